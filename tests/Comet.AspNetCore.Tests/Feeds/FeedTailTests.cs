using System.Globalization;
using System.Text;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>The newest entries of a log, which may begin anew between any two calls.</summary>
public class FeedTailTests
{
    private readonly FeedTail _tail = new(new FeedRetention(100, 1_000_000, TimeSpan.FromHours(1)), new ManualTime());

    [Fact]
    public void A_position_is_found_only_in_its_epoch()
    {
        Begin("old");
        var position = new FeedPosition("old", 5);
        Assert.Equal(6, OffsetAt(_tail.Find(position)));

        Begin("new");

        Assert.Null(_tail.Find(position));
        Assert.Equal(6, OffsetAt(_tail.Find(position with { Epoch = "new" })));
    }

    private void Begin(string epoch)
    {
        _tail.Reset(epoch, 0);
        var entries = Enumerable.Range(1, 20).Select(
            i => new FeedEntry(i, Encoding.ASCII.GetBytes(i.ToString(CultureInfo.InvariantCulture)), DateTimeOffset.UnixEpoch));
        _tail.Append(entries.ToArray());
    }

    private long OffsetAt(TailCursor? cursor) => _tail.Copy(cursor!.Value, 1)![0].Offset;
}
