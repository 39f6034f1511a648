using System.Runtime.CompilerServices;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// Takes one reader from the position it asks for to the tail: at once when the tail holds everything after it, otherwise page by page
/// through the store.
/// </summary>
internal sealed class FeedReader
{
    private const int PageSize = 256;

    private readonly FeedCore _feed;
    private readonly IFeedLog _log;
    private FeedLogPage? _page;

    private FeedReader(FeedCore feed, IFeedLog log) => (_feed, _log) = (feed, log);

    /// <summary>The reader has everything up to here.</summary>
    internal FeedPosition Position { get; private set; }

    /// <summary>Whether everything after the position that was asked for follows; null: none was asked for.</summary>
    internal bool? Recovered { get; private set; }

    /// <summary>Where to go on in the tail, once <see cref="ReadStoredAsync"/> has come to its end.</summary>
    internal TailCursor Cursor { get; private set; }

    /// <summary>Whether <see cref="ReadStoredAsync"/> has something.</summary>
    internal bool HasStored => _page is not null;

    /// <summary>Settles where a reader that asks for <paramref name="after"/> starts.</summary>
    internal static async ValueTask<FeedReader> StartAsync(FeedCore feed, FeedPosition? after, CancellationToken cancellationToken)
    {
        var reader = new FeedReader(feed, await feed.OpenAsync(cancellationToken));
        var state = feed.Tail.State;
        if (after is not { } wanted)
        {
            return reader.GoOnLive(recovered: null);
        }
        if (wanted.IsEarliest)
        {
            wanted = new FeedPosition(state.Head.Epoch, 0);
        }
        else if (wanted.Epoch != state.Head.Epoch || wanted.Offset > state.Head.Offset)
        {
            if (!await reader._log.ReachAsync(wanted, cancellationToken))
            {
                return reader.GoOnLive(recovered: false);
            }
        }
        (reader.Position, reader.Recovered) = (wanted, true);
        await reader.SeekAsync(cancellationToken, fromEarliest: after.Value.IsEarliest);
        return reader;
    }

    /// <summary>The entries that only the store has, page by page; the tail has the rest, from <see cref="Cursor"/> on.</summary>
    internal async IAsyncEnumerable<IReadOnlyList<FeedEntry>> ReadStoredAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (_page is { } page)
        {
            Position = Position with { Offset = page.Entries[^1].Offset };
            await SeekAsync(cancellationToken, fromEarliest: false);
            yield return page.Entries;
        }
    }

    /// <summary>Goes back to the store after the tail has lost the reader's cursor.</summary>
    internal ValueTask SeekAsync(FeedPosition position, CancellationToken cancellationToken)
    {
        (Position, Recovered) = (position, true);
        return SeekAsync(cancellationToken, fromEarliest: false);
    }

    private async ValueTask SeekAsync(CancellationToken cancellationToken, bool fromEarliest)
    {
        _page = null;
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
        var page = await _log.ReadAsync(Position.Offset, PageSize, cancellationToken);
        if (page.Epoch != Position.Epoch || (page.TrimmedThrough > Position.Offset && !fromEarliest))
        {
            GoOnLive(recovered: false);
            return;
        }
        // What was stored but has not reached the tail yet comes from there, and must not come twice.
        var head = _feed.Tail.State.Head;
        if (head.Epoch == page.Epoch && page.Entries is [.., { Offset: var last }] && last > head.Offset)
        {
            page = page with { Entries = [.. page.Entries.TakeWhile(entry => entry.Offset <= head.Offset)] };
        }
        var oldest = page.TrimmedThrough;
        if (page.Entries.Count > 0)
        {
            _page = page;
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

    private FeedReader GoOnLive(bool? recovered)
    {
        var state = _feed.Tail.State;
        (Position, Recovered, Cursor) = (state.Head, recovered, state.End);
        return this;
    }
}
