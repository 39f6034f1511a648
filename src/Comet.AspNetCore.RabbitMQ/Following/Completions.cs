using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>What an entry is to its feed, given the completion before it.</summary>
internal enum EntryKind
{
    /// <summary>It belongs to the feed.</summary>
    Ordinary,

    /// <summary>It was published by a server that had not read the completion: it reaches nobody.</summary>
    BehindCompletion,

    /// <summary>The completion is over, and the feed begins anew with it.</summary>
    Begins,
}

/// <summary>
/// The completed feeds of a RabbitMQ stream, whether their entries are in memory or not. What follows a completion is judged by the dates
/// of the two entries alone, so all servers judge alike, whenever they have read them: one that is dated more than the retention's time
/// after the completion begins the feed anew. A server publishes one when the completion is too old by its own clock, which measures from
/// when it read it, and dates it accordingly: so no difference of clocks matters.
/// </summary>
/// <param name="keptFor">How long messages are kept.</param>
/// <param name="time">Measures that.</param>
internal sealed class Completions(TimeSpan keptFor, TimeProvider time)
{
    private readonly Dictionary<string, State> _feeds = [];
    private readonly PriorityQueue<(string Feed, long Offset), long> _byArrival = new();
    private readonly Queue<(string Feed, long Offset)> _over = new();

    internal void Clear()
    {
        _feeds.Clear();
        _byArrival.Clear();
        _over.Clear();
    }

    /// <summary>Takes the next entry of a feed.</summary>
    internal EntryKind Add(string feed, FeedEntry entry)
    {
        var kind = EntryKind.Ordinary;
        if (_feeds.TryGetValue(feed, out var state) && state.Current is { } completion)
        {
            if (!IsBehindAge(completion, entry.At))
            {
                return EntryKind.BehindCompletion;
            }
            _feeds[feed] = state = new State { Over = completion.Offset, BeginsAt = entry.Offset };
            kind = EntryKind.Begins;
        }
        if (entry.IsCompletion)
        {
            Complete(feed, entry, state, time.GetTimestamp());
        }
        return kind;
    }

    /// <summary>Takes all entries of a feed that are known, as older ones were read that have a completion.</summary>
    /// <param name="feed">The feed.</param>
    /// <param name="entries">The entries, oldest first.</param>
    /// <param name="arrivedAt">When those arrived of which nothing was known.</param>
    internal void AddAgain(string feed, IEnumerable<FeedEntry> entries, long arrivedAt)
    {
        _feeds.Remove(feed, out var before);
        foreach (var entry in entries)
        {
            Add(feed, entry);
        }
        if (_feeds.TryGetValue(feed, out var state) && state.Current is { } completion)
        {
            var isKnown = before.Current?.Offset == completion.Offset;
            Complete(feed, completion, state, isKnown ? before.ArrivedAt : arrivedAt);
        }
    }

    /// <summary>A feed's completion; null: it goes on.</summary>
    /// <param name="feed">The feed.</param>
    /// <param name="isOver">Whether it is older than messages are kept, so that the feed may begin anew.</param>
    internal FeedEntry? Find(string feed, out bool isOver)
    {
        isOver = _feeds.TryGetValue(feed, out var state) && state.Current is not null && IsOver(state);
        return state.Current;
    }

    /// <summary>The date from which on an entry begins a feed anew.</summary>
    internal DateTimeOffset EndOf(FeedEntry completion) =>
        DateTimeOffset.MaxValue - completion.At > keptFor + TimeSpan.FromMilliseconds(1)
            ? completion.At + keptFor + TimeSpan.FromMilliseconds(1)
            : DateTimeOffset.MaxValue;

    /// <summary>Leaves out what does not belong to a feed: what is behind its completion, and what it was before it began anew.</summary>
    internal FeedLogPage Clean(string feed, FeedLogPage page)
    {
        if (!_feeds.TryGetValue(feed, out var state))
        {
            return page;
        }
        var over = state.Current is { } old && IsOver(state) ? old.Offset : state.Over;
        var first = over == state.Over ? state.BeginsAt : long.MaxValue;
        var last = state.Current is { } completion ? completion.Offset : long.MaxValue;
        var entries = page.Entries.Where(entry => entry.Offset >= first && entry.Offset <= last).ToList();
        return page with { TrimmedThrough = Math.Max(page.TrimmedThrough, over), Entries = entries };
    }

    /// <summary>Takes a completion that has become older than messages are kept; null: there is none.</summary>
    internal (string Feed, FeedEntry Completion)? TakeOver()
    {
        while (_byArrival.TryPeek(out var next, out var arrivedAt) && time.GetElapsedTime(arrivedAt) > keptFor)
        {
            _byArrival.Dequeue();
            _over.Enqueue(next);
            if (_feeds.TryGetValue(next.Feed, out var state) && state.Current is { } completion && completion.Offset == next.Offset)
            {
                return (next.Feed, completion);
            }
        }
        return null;
    }

    /// <summary>Forgets those that nobody can read any more, and of which no server would be told by a date.</summary>
    /// <param name="outdatedThrough">What is at or below this offset is too old to be read.</param>
    internal void ForgetThrough(long outdatedThrough)
    {
        while (_over.TryPeek(out var next) && next.Offset <= outdatedThrough)
        {
            if (_feeds.TryGetValue(next.Feed, out var state) && (state.Current?.Offset ?? state.Over) == next.Offset)
            {
                if (state.Current is { } completion && !IsBehindAge(completion, time.GetUtcNow()))
                {
                    return;
                }
                _feeds.Remove(next.Feed);
            }
            _over.Dequeue();
        }
    }

    private void Complete(string feed, FeedEntry completion, State state, long arrivedAt)
    {
        _feeds[feed] = state with { Current = completion, ArrivedAt = arrivedAt };
        _byArrival.Enqueue((feed, completion.Offset), arrivedAt);
    }

    private bool IsBehindAge(FeedEntry completion, DateTimeOffset at) => at - completion.At > keptFor;

    private bool IsOver(in State state) => time.GetElapsedTime(state.ArrivedAt) > keptFor;

    /// <summary>What is known of a feed that was completed.</summary>
    /// <param name="Over">The newest completion after which it has begun anew; 0: it never has.</param>
    /// <param name="BeginsAt">The entry with which it has.</param>
    /// <param name="Current">The completion after that; null: there is none.</param>
    /// <param name="ArrivedAt">When this server has read that.</param>
    private readonly record struct State(long Over, long BeginsAt, FeedEntry? Current, long ArrivedAt);
}
