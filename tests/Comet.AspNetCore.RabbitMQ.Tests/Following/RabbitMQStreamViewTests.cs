using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;

namespace Comet.AspNetCore.RabbitMQ.Tests.Following;

/// <summary>Two servers that have read the same messages at different times.</summary>
public sealed class RabbitMQStreamViewTests
{
    private const string Epoch = "0123456789";

    private readonly ManualTime _time = new();

    [Fact]
    public void A_key_that_is_used_again_after_its_completion_begins_anew_on_every_server()
    {
        var (first, firstTail) = NewServer();
        var (message, completion) = (NewEntry(1), NewEntry(2, isCompletion: true));
        first.Append([("f", message), ("f", completion)], 2);
        _time.Advance(TimeSpan.FromMinutes(50));
        var (second, secondTail) = NewServer();
        second.Append([("f", message), ("f", completion)], 2);
        _time.Advance(TimeSpan.FromMinutes(20));

        Append(NewEntry(4));
        _time.Advance(TimeSpan.FromMinutes(45));
        Append(NewEntry(5));

        Assert.Equal(["1", "2C", "reset 2", "4", "5"], firstTail.Seen);
        Assert.Equal(firstTail.Seen, secondTail.Seen);
        foreach (var view in new[] { first, second })
        {
            var memory = view.Read("f", 2, 10);
            Assert.Equal([4, 5], memory.Entries!.Select(entry => entry.Offset));
            Assert.Equal([4, 5], view.Clean("f", new FeedLogPage(Epoch, 0, memory.Entries!)).Entries.Select(entry => entry.Offset));
        }

        void Append(FeedEntry entry)
        {
            first.Append([("f", entry)], entry.Offset);
            second.Append([("f", entry)], entry.Offset);
        }
    }

    [Fact]
    public void What_was_published_before_its_server_had_read_the_completion_reaches_nobody_anywhere()
    {
        var (first, firstTail) = NewServer();
        List<(string, FeedEntry)> entries = [("f", NewEntry(1)), ("f", NewEntry(2, isCompletion: true)), ("f", NewEntry(3))];
        first.Append(entries, 3);
        var (second, secondTail) = NewServer();
        second.Append(entries, 3);

        Assert.Equal(["1", "2C"], firstTail.Seen);
        Assert.Equal(firstTail.Seen, secondTail.Seen);
        Assert.Equal([1, 2, 3], first.Read("f", 0, 10).Entries!.Select(entry => entry.Offset));
        Assert.Equal([1, 2], OffsetsOf(first));
    }

    [Fact]
    public void A_server_whose_clock_is_behind_dates_what_begins_a_key_anew_after_the_completion()
    {
        var (view, _) = NewServer();
        view.Append([("f", NewEntry(1, isCompletion: true) with { At = _time.GetUtcNow().AddDays(1) })], 1);
        var at = _time.GetUtcNow();
        Assert.Equal(1, view.FindCompletion("f", ref at)!.Value.Offset);

        _time.Advance(TimeSpan.FromMinutes(61));
        view.Advance();

        at = _time.GetUtcNow();
        Assert.Null(view.FindCompletion("f", ref at));
        view.Append([("f", NewEntry(2) with { At = at })], 2);
        Assert.Equal([2], OffsetsOf(view));
    }

    private static IEnumerable<long> OffsetsOf(RabbitMQStreamView view) =>
        view.Clean("f", new FeedLogPage(Epoch, 0, view.Read("f", 0, 10).Entries!)).Entries.Select(entry => entry.Offset);

    private FeedEntry NewEntry(long offset, bool isCompletion = false) =>
        new(offset, isCompletion ? default : Payloads.Of("1"), _time.GetUtcNow());

    private (RabbitMQStreamView View, Tail Tail) NewServer()
    {
        var view = new RabbitMQStreamView(recentBytes: 1 << 20, TimeSpan.FromHours(1), _time);
        view.Reset(Epoch, 0, 0);
        var tail = new Tail();
        view.Open("f", tail);
        tail.Seen.Clear();
        return (view, tail);
    }

    /// <summary>Takes what a feed's tail takes: nothing twice, and nothing after a completion.</summary>
    private sealed class Tail : IFeedTail
    {
        private long _head;
        private bool _isCompleted;

        internal List<string> Seen { get; } = [];

        public void Reset(string epoch, long head)
        {
            (_head, _isCompleted) = (head, false);
            Seen.Add($"reset {head}");
        }

        public void Append(ReadOnlySpan<FeedEntry> entries)
        {
            foreach (var entry in entries)
            {
                if (_isCompleted || entry.Offset <= _head)
                {
                    continue;
                }
                (_head, _isCompleted) = (entry.Offset, entry.IsCompletion);
                Seen.Add($"{entry.Offset}{(entry.IsCompletion ? "C" : "")}");
            }
        }

        public void Advance(long head) => _head = Math.Max(_head, head);
    }
}
