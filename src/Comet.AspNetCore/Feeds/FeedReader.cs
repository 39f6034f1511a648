using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// Takes one reader from the position it asks for to the tail: at once when the tail holds everything after it, otherwise page by page
/// through the store. A reader that waits for its client has no page, so it costs next to nothing.
/// </summary>
internal sealed class FeedReader
{
    private readonly FeedCore _feed;
    private readonly IFeedLog _log;
    private IReadOnlyList<FeedEntry>? _page; // read and not taken yet

    private FeedReader(FeedCore feed, IFeedLog log) => (_feed, _log) = (feed, log);

    internal FeedCore Feed => _feed;

    /// <summary>The reader has everything up to here.</summary>
    internal FeedPosition Position { get; private set; }

    /// <summary>Whether everything after the position that was asked for follows; null: none was asked for.</summary>
    internal bool? Recovered { get; private set; }

    /// <summary>Where to go on in the tail, once the store has nothing more.</summary>
    internal TailCursor Cursor { get; private set; }

    /// <summary>Whether the store has something before the tail, or may have.</summary>
    internal bool HasStored { get; private set; }

    /// <summary>Whether the feed is completed, and the position that was asked for is its end: nothing will follow it.</summary>
    internal bool HasHadEnd { get; private set; }

    /// <summary>Settles where a reader starts that asks for <paramref name="start"/>.</summary>
    internal static async ValueTask<FeedReader> StartAsync(FeedCore feed, FeedStart start, CancellationToken cancellationToken)
    {
        var reader = new FeedReader(feed, await feed.OpenAsync(cancellationToken));
        if (await reader.FindAsync(start, cancellationToken) is { } found)
        {
            (reader.Position, reader.Recovered) = (found, true);
            await reader.ReadAsync(fromRetained: true, cancellationToken);
        }
        else if (start.After is not { } wanted)
        {
            reader.GoOnLive(recovered: null);
        }
        else if (!await reader.TryStartAsync(wanted, cancellationToken))
        {
            reader.GoOnLive(recovered: false);
        }
        return reader;
    }

    /// <summary>Settles where a reader starts whose stream was at a position, in this feed too or not.</summary>
    /// <param name="feed">The feed.</param>
    /// <param name="stream">Where the stream was.</param>
    /// <param name="own">What the client says of the feed alone; the position of the stream is newer.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async ValueTask<FeedReader> StartAsync(
        FeedCore feed, StreamPosition stream, FeedPosition? own, CancellationToken cancellationToken)
    {
        var reader = new FeedReader(feed, await feed.OpenAsync(cancellationToken));
        var known = stream.In(feed.Name, feed.Tail.State.Head.Epoch) ?? own;
        foreach (var wanted in known is { } position ? [position] : stream.MaybeIn(feed.Name))
        {
            if (await reader.TryStartAsync(wanted, cancellationToken))
            {
                return reader;
            }
        }
        reader.GoOnLive(recovered: false);
        return reader;
    }

    // False: the log has no such position.
    private async ValueTask<bool> TryStartAsync(FeedPosition wanted, CancellationToken cancellationToken)
    {
        var head = _feed.Tail.State.Head;
        var isEarliest = wanted.IsEarliest;
        if (isEarliest)
        {
            wanted = new FeedPosition(head.Epoch, 0);
        }
        else if ((wanted.Epoch != head.Epoch || wanted.Offset > head.Offset) && !await _log.ReachAsync(wanted, cancellationToken))
        {
            return false;
        }
        (Position, Recovered) = (wanted, true);
        await ReadAsync(isEarliest, cancellationToken);
        HasHadEnd = _feed.Tail.CompletedAt is { } end && end.Epoch == wanted.Epoch && end.Offset <= wanted.Offset;
        return true;
    }

    /// <summary>
    /// Reads what follows the position in the store, unless that is read already. When there is nothing, the tail has the rest, from
    /// <see cref="Cursor"/> on, unless entries were lost meanwhile.
    /// </summary>
    internal ValueTask ReadAsync(CancellationToken cancellationToken) =>
        _page is null ? ReadAsync(fromRetained: false, cancellationToken) : default;

    /// <summary>What was read, which the reader has no longer.</summary>
    internal IReadOnlyList<FeedEntry> TakePage()
    {
        var page = _page ?? [];
        _page = null;
        return page;
    }

    /// <summary>Forgets what was read and not taken yet: it is read again when it is needed.</summary>
    internal void DropPage() => _page = null;

    /// <summary>The reader has everything up to this offset, too.</summary>
    internal void Advance(long offset) => (Position, _page) = (Position with { Offset = offset }, null);

    /// <summary>Goes back to the store, if that has what the tail has lost meanwhile.</summary>
    /// <returns>Whether there is something to read again.</returns>
    internal bool GoBackIfLost()
    {
        if (!HasStored && Recovered != false && _feed.IsStoreOutside && _feed.Tail.State.HasLost(Cursor))
        {
            HasStored = true;
        }
        return HasStored;
    }

    /// <summary>Goes back to the store after the tail has lost the reader's cursor.</summary>
    internal void GoBack(FeedPosition position) => (Position, Recovered, HasStored) = (position, true, true);

    // Where a start in the past is; null: the start is not in the past.
    private async ValueTask<FeedPosition?> FindAsync(FeedStart start, CancellationToken cancellationToken)
    {
        var tail = _feed.Tail;
        if (start.Newest is { } count)
        {
            return tail.FindNewest(count) ?? await _log.FindNewestAsync(count, cancellationToken);
        }
        if (start.Since is not { } time)
        {
            return null;
        }
        return time > _feed.Services.Clock.Time.GetUtcNow()
            ? tail.State.Head
            : tail.FindSince(time) ?? await _log.FindSinceAsync(time, cancellationToken);
    }

    // From what is retained: nothing counts as missed that has been removed before the first page.
    private async ValueTask ReadAsync(bool fromRetained, CancellationToken cancellationToken)
    {
        HasStored = false;
        var state = _feed.Tail.State;
        if (_feed.Tail.Find(Position) is { } cursor)
        {
            Cursor = cursor;
            return;
        }
        if (state.Head.Epoch != Position.Epoch)
        {
            GoOnLive(recovered: false);
            return;
        }
        var page = await _feed.History.ReadAsync(_log, Position, cancellationToken);
        if (page.Epoch != Position.Epoch || (page.TrimmedThrough > Position.Offset && !fromRetained))
        {
            GoOnLive(recovered: false);
            return;
        }
        page = page.UpToCompletion(out var completion);
        if (completion is { } last)
        {
            _feed.Tail.Complete(page.Epoch, last); // it reaches readers through the tail, whose store may not have known it at opening
        }
        var oldest = page.TrimmedThrough;
        var entries = EntriesAfterPosition(page);
        HasStored = entries.Count > 0;
        if (HasStored)
        {
            _page = entries;
        }
        else
        {
            Cursor = state.Start; // the store has nothing older than what the tail held before it was asked
            oldest = state.TrimmedThrough;
        }
        if (fromRetained)
        {
            // A client that loses its connection before its first message resumes here.
            Position = Position with { Offset = Math.Max(Position.Offset, oldest) };
        }
    }

    // Others may have asked for the page, from a position before this one. What was stored but has not reached the tail yet comes from
    // there, and must not come twice.
    private IReadOnlyList<FeedEntry> EntriesAfterPosition(FeedLogPage page)
    {
        var (entries, head) = (page.Entries, _feed.Tail.State.Head);
        var last = head.Epoch == page.Epoch ? head.Offset : long.MaxValue;
        return entries.Count == 0 || (entries[0].Offset > Position.Offset && entries[^1].Offset <= last)
            ? entries
            : Between(entries, Position.Offset, last);
    }

    // By itself, as what the condition captures is an object, which hardly any page needs.
    private static List<FeedEntry> Between(IReadOnlyList<FeedEntry> entries, long after, long through) =>
        [.. entries.Where(entry => entry.Offset > after && entry.Offset <= through)];

    private void GoOnLive(bool? recovered)
    {
        var state = _feed.Tail.State;
        (Position, Recovered, Cursor, HasStored) = (state.LiveHead, recovered, state.Live, false);
    }
}
