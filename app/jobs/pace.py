"""Progress, rates and times in words."""

from streams.queues.jobs import Job


def line_of(job: Job, first: Job) -> str:
    """Return the job's standing; the rate is that since `first`."""
    share = f"{job.done * 100 // job.of} %" if job.of else ""
    took, done = (job.worked - first.worked).total_seconds(), job.done - first.done
    pace = f", {done / took:,.0f}/s, {duration((job.of - job.done) * took / done)} to go" if took and done > 0 else ""
    return f"job {job.id}: {job.done:,} of {job.of:,} {job.unit} ({share}){pace}".replace(" ()", "")


def duration(seconds: float) -> str:
    """Return a time as people say it: 40 s, 12 min, 3 h 5 min."""
    whole = round(max(0.0, seconds))
    if whole < 120:  # noqa: PLR2004  (seconds say more than one minute does)
        return f"{whole} s"
    hours, minutes = divmod(round(whole / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
