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

    /// <summary>The reader has everything up to here.</summary>
    internal FeedPosition Position { get; private set; }

    /// <summary>Whether everything after the position that was asked for follows; null: none was asked for.</summary>
    internal bool? Recovered { get; private set; }

    /// <summary>Where to go on in the tail, once the store has nothing more.</summary>
    internal TailCursor Cursor { get; private set; }

    /// <summary>Whether the store has something before the tail, or may have.</summary>
    internal bool HasStored { get; private set; }

    /// <summary>Settles where a reader that asks for <paramref name="after"/> starts.</summary>
    internal static async ValueTask<FeedReader> StartAsync(FeedCore feed, FeedPosition? after, CancellationToken cancellationToken)
    {
        var reader = new FeedReader(feed, await feed.OpenAsync(cancellationToken));
        var state = feed.Tail.State;
        if (after is not { } wanted)
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
        await reader.ReadAsync(fromEarliest: after.Value.IsEarliest, cancellationToken);
        return reader;
    }

    /// <summary>
    /// Reads what follows the position in the store, unless that is read already. When there is nothing, the tail has the rest, from
    /// <see cref="Cursor"/> on, unless entries were lost meanwhile.
    /// </summary>
    internal ValueTask ReadAsync(CancellationToken cancellationToken) =>
        _page is null ? ReadAsync(fromEarliest: false, cancellationToken) : default;

    /// <summary>What was read, which the reader has no longer.</summary>
    internal IReadOnlyList<FeedEntry> TakePage()
    {
        var page = _page ?? [];
        _page = null;
        return page;
    }

    /// <summary>The reader has everything up to this offset, too.</summary>
    internal void Advance(long offset) => (Position, _page) = (Position with { Offset = offset }, null);

    /// <summary>Goes back to the store after the tail has lost the reader's cursor.</summary>
    internal void GoBack(FeedPosition position) => (Position, Recovered, HasStored) = (position, true, true);

    private async ValueTask ReadAsync(bool fromEarliest, CancellationToken cancellationToken)
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
        if (page.Epoch != Position.Epoch || (page.TrimmedThrough > Position.Offset && !fromEarliest))
        {
            GoOnLive(recovered: false);
            return;
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
        if (fromEarliest)
        {
            Position = Position with { Offset = oldest }; // a client that loses its connection before its first message resumes here
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
            : [.. entries.Where(entry => entry.Offset > Position.Offset && entry.Offset <= last)];
    }

    private void GoOnLive(bool? recovered)
    {
        var state = _feed.Tail.State;
        (Position, Recovered, Cursor, HasStored) = (state.Head, recovered, state.End, false);
    }
}
