using System.Globalization;
using System.Runtime.CompilerServices;

namespace CometApp.Feeds;

/// <summary>The server's time of day, ten times a second.</summary>
public sealed class Clock(TimeProvider time)
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(100);

    public async IAsyncEnumerable<string> Ticks([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        using var timer = new PeriodicTimer(Period, time);
        do
        {
            yield return time.GetLocalNow().ToString("HH mm ss", CultureInfo.InvariantCulture);
        }
        while (await timer.WaitForNextTickAsync(cancellation));
    }
}
