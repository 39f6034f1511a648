using System.Globalization;
using System.Text;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Formats;
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

    [Fact]
    public void After_a_completion_there_is_nothing_more()
    {
        Begin("log");
        Assert.Null(_tail.CompletedAt);

        _tail.Append([Entry(21, ""), Entry(22, "22"), Entry(23, "")]);
        _tail.Append([Entry(24, "24")]);

        Assert.Equal(new FeedPosition("log", 21), _tail.CompletedAt);
        Assert.Equal((21L, 21L), (_tail.State.Next, _tail.State.Head.Offset));
    }

    [Fact]
    public void Every_reader_gets_the_completion()
    {
        Begin("log");
        _tail.Append([Entry(21, "")]);

        Assert.Equal(21, OffsetAt(_tail.State.Live));
        Assert.Equal(21, OffsetAt(_tail.Find(new FeedPosition("log", 20))));
        Assert.Equal(21, OffsetAt(_tail.Find(new FeedPosition("log", 21))));
        Assert.Equal(21, OffsetAt(_tail.Find(new FeedPosition("log", 22))));
    }

    [Fact]
    public void A_log_that_begins_anew_is_not_completed()
    {
        Begin("old");
        _tail.Append([Entry(21, "")]);

        Begin("new");

        Assert.Null(_tail.CompletedAt);
        Assert.Equal(20, _tail.State.Head.Offset);
    }

    [Theory]
    [InlineData(40, 20, 0)] // the end moved without an entry
    [InlineData(30, 20, 0)]
    [InlineData(25, 25, 1)] // others have appended, as they did not know it either
    public void A_completion_may_come_late(long head, long newest, int generations)
    {
        Begin("log");
        _tail.Append([Entry(newest, "1")]);
        _tail.Advance(head);
        var generation = _tail.State.Generation;

        _tail.Complete("another", Entry(22, ""));
        Assert.Null(_tail.CompletedAt);
        _tail.Complete("log", Entry(22, ""));
        _tail.Append([Entry(50, "50")]);

        Assert.Equal(new FeedPosition("log", 22), _tail.CompletedAt);
        Assert.Equal([20, 22], _tail.Copy(_tail.Find(new FeedPosition("log", 19))!.Value, 5)!.Select(entry => entry.Offset));
        Assert.Equal(generations, _tail.State.Generation - generation);
        Assert.Equal(head, _tail.State.Head.Offset);
    }

    [Fact]
    public void A_completion_beyond_the_head_waits_for_what_precedes_it()
    {
        Begin("log");

        _tail.Complete("log", Entry(22, ""));

        Assert.Null(_tail.CompletedAt);
        _tail.Append([Entry(21, "21"), Entry(22, "")]);
        Assert.Equal(22, _tail.State.Next);
    }

    [Fact]
    public void A_completion_takes_the_place_of_no_message_and_leaves_by_age()
    {
        var time = new ManualTime();
        var tail = new FeedTail(new FeedRetention(Entries: 1, 1_000_000, TimeSpan.FromHours(1)), time);
        tail.Reset("log", 0);
        tail.Append([Entry(1, "1")]);
        tail.Append([Entry(2, "2")]);
        tail.Append([Entry(3, "")]);
        tail.TrimByAge();
        Assert.Equal([2, 3], tail.Copy(tail.State.Start, 5)!.Select(entry => entry.Offset));

        time.Advance(TimeSpan.FromHours(1.1));
        tail.TrimByAge();
        tail.Append([Entry(4, "4")]);

        Assert.Null(tail.CompletedAt);
        Assert.Equal([4], tail.Copy(tail.State.Start, 5)!.Select(entry => entry.Offset));
    }

    [Fact]
    public void A_completion_is_an_end_on_the_wire()
    {
        _tail.Reset("log", 0);
        _tail.Append([Entry(1, "1"), Entry(2, "")]);
        using var buffer = new FrameBuffer();

        var (to, _) = _tail.Write(_tail.State.Start, _tail.State.Next, 1000, new NdjsonFormat(), buffer);

        Assert.Equal(_tail.State.End, to);
        Assert.Equal(
            """
            {"type":"message","id":"log-1","data":1}
            {"type":"end","reason":"completed"}

            """.ReplaceLineEndings("\n"),
            Encoding.ASCII.GetString(buffer.Content));
    }

    [Fact]
    public void A_start_in_the_past_is_found_where_the_tail_has_enough()
    {
        _tail.Reset("log", 100); // of which earlier entries are in the store
        var noon = DateTimeOffset.UnixEpoch.AddHours(12);
        _tail.Append([.. Enumerable.Range(0, 10).Select(minute => Entry(101 + minute, "1") with { At = noon.AddMinutes(minute) })]);

        Assert.Equal(new FeedPosition("log", 107), _tail.FindNewest(3));
        Assert.Equal(new FeedPosition("log", 100), _tail.FindNewest(10));
        Assert.Null(_tail.FindNewest(11));
        Assert.Equal(new FeedPosition("log", 102), _tail.FindSince(noon.AddMinutes(2)));
        Assert.Equal(new FeedPosition("log", 110), _tail.FindSince(noon.AddHours(1)));
        Assert.Null(_tail.FindSince(noon.AddMinutes(1))); // the store may have one that another clock has dated later
        Assert.Null(_tail.FindSince(DateTimeOffset.MinValue));
    }

    [Fact]
    public void A_tail_that_is_the_whole_log_finds_any_start()
    {
        var tail = new FeedTail(new FeedRetention(Entries: 3, 1_000_000, TimeSpan.FromHours(1)), new ManualTime(), isWholeLog: true);
        tail.Reset("log", 0);
        Assert.Equal(0, tail.FindNewest(5)!.Value.Offset);
        Assert.Equal(0, tail.FindSince(DateTimeOffset.MaxValue)!.Value.Offset);
        foreach (var offset in Enumerable.Range(1, 10))
        {
            var at = DateTimeOffset.UnixEpoch.AddSeconds(offset == 8 ? 60 : offset); // one clock is ahead
            tail.Append([Entry(offset, "1") with { At = at }]);
        }

        Assert.Equal([10, 9, 8, 7, 7], new[] { 0, 1, 2, 3, 4 }.Select(count => tail.FindNewest(count)!.Value.Offset));
        Assert.Equal(7, tail.FindSince(DateTimeOffset.MinValue)!.Value.Offset);
        Assert.Equal(7, tail.FindSince(DateTimeOffset.UnixEpoch.AddSeconds(10))!.Value.Offset);
        Assert.Equal(10, tail.FindSince(DateTimeOffset.UnixEpoch.AddSeconds(61))!.Value.Offset);
    }

    [Fact]
    public void A_completion_takes_the_place_of_no_message()
    {
        Begin("a");
        _tail.Append([Entry(1, new string('1', 1_000_001))]); // longer than all that is retained
        _tail.Append([Entry(2, "")]);

        Assert.Equal(1, OffsetAt(_tail.Find(new FeedPosition("a", 0))));
    }

    private static FeedEntry Entry(long offset, string payload) => new(offset, Encoding.ASCII.GetBytes(payload), DateTimeOffset.UnixEpoch);

    private void Begin(string epoch)
    {
        _tail.Reset(epoch, 0);
        _tail.Append(Enumerable.Range(1, 20).Select(i => Entry(i, i.ToString(CultureInfo.InvariantCulture))).ToArray());
    }

    private long OffsetAt(TailCursor? cursor) => _tail.Copy(cursor!.Value, 1)![0].Offset;
}
