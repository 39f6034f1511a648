using Comet.AspNetCore.Feeds;

namespace Comet.AspNetCore.Tests.Feeds;

public class LaneThreadTests
{
    [Theory]
    [InlineData(0)] // it ends, and begins anew, all the time
    [InlineData(1)]
    [InlineData(60_000)]
    public void Every_wake_is_followed_by_a_pass_and_passes_never_overlap(int linger)
    {
        var (asked, seen, running) = (0, 0, 0);
        var overlaps = false;
        var thread = new LaneThread(
            () =>
            {
                overlaps |= Interlocked.Increment(ref running) > 1;
                seen = Volatile.Read(ref asked);
                Interlocked.Decrement(ref running);
            },
            TimeProvider.System,
            Thread.Sleep,
            TimeSpan.FromMilliseconds(linger));

        for (var i = 1; i <= 5_000; i++)
        {
            Volatile.Write(ref asked, i);
            thread.Wake();
            if (i % 3 == 0)
            {
                thread.Wake();
            }
            if (i % 50 == 0)
            {
                Thread.Sleep(linger % 2); // so that it may be about to end
            }
            Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref seen) == i, Eventually.Patience), $"No pass after wake {i}");
        }
        Assert.False(overlaps);
    }
}
