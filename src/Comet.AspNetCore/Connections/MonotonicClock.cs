namespace Comet.AspNetCore.Connections;

/// <summary>Milliseconds since the server started, from the app's <see cref="TimeProvider"/>.</summary>
internal sealed class MonotonicClock(TimeProvider time)
{
    private readonly long _start = time.GetTimestamp();

    internal TimeProvider Time => time;

    internal long Now => (long)time.GetElapsedTime(_start).TotalMilliseconds;
}
