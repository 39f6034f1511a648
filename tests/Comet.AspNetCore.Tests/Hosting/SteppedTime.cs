namespace Comet.AspNetCore.Tests.Hosting;

/// <summary>A time whose clock is wrong by so much, and may be set; what has elapsed is not.</summary>
internal sealed class SteppedTime(TimeProvider time) : TimeProvider
{
    internal TimeSpan Error { get; set; }

    public override long TimestampFrequency => time.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => time.GetUtcNow() + Error;

    public override long GetTimestamp() => time.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        time.CreateTimer(callback, state, dueTime, period);
}
