using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// Takes one reader from the position it asks for to the tail: at once when the tail holds everything after it, otherwise page by page
/// through the store. It keeps no page, so that a reader that waits for its client costs next to nothing.
/// </summary>
internal sealed class FeedReader
{
    private readonly FeedCore _feed;
    private readonly IFeedLog _log;

    private FeedReader(FeedCore feed, IFeedLog log) => (_feed, _log) = (feed, log);

    /// <summary>The reader has everything up to here.</summary>
    internal FeedPosition Position { get; private set; }

    /// <summary>Whether everything after the position that was asked for follows; null: none was asked for.</summary>
    internal bool? Recovered { get; private set; }

    /// <summary>Where to go on in the tail, once the store has nothing more.</summary>
    internal TailCursor Cursor { get; private set; }

    /// <summary>Whether the store has something before the tail.</summary>
    internal bool HasStored { get; private set; }

    /// <summary>Settles where a reader starts that asks for <paramref name="start"/>.</summary>
    internal static async ValueTask<FeedReader> StartAsync(FeedCore feed, FeedStart start, CancellationToken cancellationToken)
    {
        var reader = new FeedReader(feed, await feed.OpenAsync(cancellationToken));
        if (await reader.FindAsync(start, cancellationToken) is { } found)
        {
            (reader.Position, reader.Recovered) = (found, true);
            await reader.ReadAsync(fromRetained: true, cancellationToken);
            return reader;
        }
        var state = feed.Tail.State;
        if (start.After is not { } wanted)
        {
            reader.GoOnLive(recovered: null);
            return reader;
        }
        if (wanted.IsEarliest)
        {
            wanted = new FeedPosition(state.Head.Epoch, 0);
        }
        else if (wanted.Epoch != state.Head.Epoch || wanted.Offset > state.Head.Offset)
        {
            if (!await reader._log.ReachAsync(wanted, cancellationToken))
            {
                reader.GoOnLive(recovered: false);
                return reader;
            }
        }
        (reader.Position, reader.Recovered) = (wanted, true);
        await reader.ReadAsync(fromRetained: start.After.Value.IsEarliest, cancellationToken);
        return reader;
    }

    /// <summary>
    /// Reads what follows the position in the store. Nothing: the tail has the rest, from <see cref="Cursor"/> on, unless entries were
    /// lost meanwhile.
    /// </summary>
    internal ValueTask<IReadOnlyList<FeedEntry>> ReadAsync(CancellationToken cancellationToken) =>
        ReadAsync(fromRetained: false, cancellationToken);

    /// <summary>The reader has everything up to this offset, too.</summary>
    internal void Advance(long offset) => Position = Position with { Offset = offset };

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
    private async ValueTask<IReadOnlyList<FeedEntry>> ReadAsync(bool fromRetained, CancellationToken cancellationToken)
    {
        HasStored = false;
        var state = _feed.Tail.State;
        if (_feed.Tail.Find(Position) is { } cursor)
        {
            Cursor = cursor;
            return [];
        }
        if (state.Head.Epoch != Position.Epoch)
        {
            GoOnLive(recovered: false);
            return [];
        }
        var page = await _feed.History.ReadAsync(_log, Position, cancellationToken);
        if (page.Epoch != Position.Epoch || (page.TrimmedThrough > Position.Offset && !fromRetained))
        {
            GoOnLive(recovered: false);
            return [];
        }
        page = page.UpToCompletion(out var completion);
        if (completion is { } last)
        {
            _feed.Tail.Complete(page.Epoch, last); // it reaches readers through the tail, whose store may not have known it at opening
        }
        var oldest = page.TrimmedThrough;
        HasStored = page.Entries.Count > 0;
        if (!HasStored)
        {
            Cursor = state.Start; // the store has nothing older than what the tail held before it was asked
            oldest = state.TrimmedThrough;
        }
        var entries = EntriesAfterPosition(page);
        if (fromRetained)
        {
            Advance(Math.Max(Position.Offset, oldest)); // a client that loses its connection before its first message resumes here
        }
        return entries;
    }

    // Others may have asked for the page, from a position before this one. What was stored but has not reached the tail yet comes from
    // there, and must not come twice.
    private IReadOnlyList<FeedEntry> EntriesAfterPosition(FeedLogPage page)
    {
        var (entries, head) = (page.Entries, _feed.Tail.State.Head);
        var last = head.Epoch == page.Epoch ? head.Offset : long.MaxValue;
        return entries.Count == 0 || (entries[0].Offset > Position.Offset && entries[^1].Offset <= last)
            ? entries
            : [.. entries.Where(entry => entry.Offset > Position.Offset && entry.Offset <= last)];
    }

    private void GoOnLive(bool? recovered)
    {
        var state = _feed.Tail.State;
        (Position, Recovered, Cursor, HasStored) = (state.Head, recovered, state.Live, false);
    }
}
