def by_name(things, what):
    """Returns a dict of names and things for such a dict or a list of things with a `name`.

    Args:
        things: dict or list, at least one.
        what: what errors call one of them.
    """
    if not isinstance(things, dict):
        named = {thing.name: thing for thing in things}
        if len(named) != len(things):
            raise ValueError(
                f"Expected {what}s of different names. "
                f"Received: {[thing.name for thing in things]}; pass a dict"
            )
        things = named
    if not things:
        raise ValueError(f"Expected at least one {what}. Received: none")
    return things
