"""The pipeline of Apache Beam: shards in, rows out, and those of bad photos beside them."""

import threading

from tfwm.checks import need
from tfwm.job.storage import EXTRA

try:
    import apache_beam as beam
    from apache_beam import DoFn, PTransform
except ImportError:  # told where it is used
    DoFn = PTransform = object

METRICS = "tfwm"
FAILED = "failed"
LOCAL = "direct"
_opening = threading.Lock()


class WorkOnShards(DoFn):
    """Does the shards that it is given, by `tfwm.job.work.Worker`.

    Args:
        settings: `tfwm.job.work.Settings` as JSON, which holds no secret.
    """

    def __init__(self, settings):
        self._settings = settings

    def setup(self):
        from tfwm.job.work import worker_of

        with _opening:  # a worker's threads share the network
            self._worker = worker_of(self._settings)

    def process(self, shard):
        metrics = beam.metrics.Metrics
        for row in self._worker.run(shard):
            metrics.counter(METRICS, row["status"]).inc()
            metrics.counter(METRICS, "bytes").inc(row.get("bytes") or 0)
            if row["status"] == "failed":
                yield beam.pvalue.TaggedOutput(FAILED, row)
            else:
                yield row


class MarkPhotos(PTransform):
    """Does shards in a pipeline of your own: names of plans in, rows out.

    Args:
        settings: `tfwm.job.work.Settings`.

    Returns:
        The rows of photos that are done, and under `failed` those of the bad ones.
    """

    def __init__(self, settings):
        need("apache_beam", EXTRA)
        super().__init__()
        self._settings = settings.to_text()

    def expand(self, shards):
        work = beam.ParDo(WorkOnShards(self._settings)).with_outputs(FAILED, main="rows")
        return shards | beam.Reshuffle() | work


def run_pipeline(settings, shards, runner=LOCAL, options=(), workers=1):
    """Runs the pipeline to its end; its counters are those of Beam's own metrics.

    Args:
        settings: `tfwm.job.work.Settings`.
        shards: names of plans.
        runner: `"direct"` for workers on this computer, or what Beam calls it, such as
            `"FlinkRunner"`, `"SparkRunner"`, `"DataflowRunner"`.
        options: of Beam's pipeline, each `name=value`.
        workers: processes on this computer, for `"direct"`.
    """
    need("apache_beam", EXTRA)
    from apache_beam.options.pipeline_options import PipelineOptions

    flags = [f"--{option}" for option in options]
    if runner == LOCAL:
        runner = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
        flags += [f"--direct_num_workers={workers}", "--direct_running_mode=multi_processing"]
    pipeline = beam.Pipeline(runner=runner, options=PipelineOptions(flags))
    rows = pipeline | beam.Create(shards) | MarkPhotos(settings)
    for name in ("rows", FAILED):  # an output that nobody reads is left out by some runners
        _ = rows[name] | f"Count {name}" >> beam.combiners.Count.Globally()
    pipeline.run().wait_until_finish()
