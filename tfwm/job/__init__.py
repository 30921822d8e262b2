"""Jobs of millions of photos: the work in shards that any machine can do again, by Apache Beam."""
