using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// What the store has of one feed, for all who read it: those who ask for the same at once share one reading, and those who ask for it
/// seconds later the page. So thousands that come back at once read a page together.
/// </summary>
internal sealed class FeedHistory(KeptPages kept)
{
    // With what surrounds them, a few messages are shorter than the two writes of 16 KB that a connection takes them in.
    private const int PageLength = 28 * 1024;
    private const int MaxEntries = 256;

    private readonly Lock _lock = new();
    private readonly Dictionary<FeedPosition, HistoryReading> _readings = [];
    private readonly SortedList<long, HistoryPage> _pages = []; // by the offset that they follow

    /// <summary>The long messages that are on their way to slow clients.</summary>
    internal SharedFrames<FeedPosition, long> Frames { get; } = new();

    /// <summary>Reads a page that has what follows a position, and may have what precedes it.</summary>
    /// <exception cref="FeedUnavailableException">The store is unavailable.</exception>
    internal async ValueTask<FeedLogPage> ReadAsync(IFeedLog log, FeedPosition after, CancellationToken cancellationToken)
    {
        for (var isFirst = true; ; isFirst = false)
        {
            HistoryReading? reading;
            bool isOwn;
            lock (_lock)
            {
                if (FindPage(after) is { } found)
                {
                    return found;
                }
                isOwn = !_readings.TryGetValue(after, out reading);
                if (isOwn)
                {
                    _readings.Add(after, reading = new HistoryReading(after));
                }
                reading!.Waiters++;
            }
            if (isOwn)
            {
                _ = ReadAsync(log, reading);
            }
            FeedLogPage page;
            try
            {
                page = await reading.Page.WaitAsync(cancellationToken);
            }
            finally
            {
                EndWait(reading);
            }
            // A page that was begun before the caller has asked does not tell that nothing has come since.
            if (page.Entries.Count > 0 || isOwn || !isFirst)
            {
                return page;
            }
        }
    }

    /// <summary>Forgets a page that is kept no longer.</summary>
    internal void Drop(HistoryPage page)
    {
        lock (_lock)
        {
            var offset = page.After.Offset;
            if (_pages.GetValueOrDefault(offset) == page)
            {
                _pages.Remove(offset);
            }
        }
    }

    private void EndWait(HistoryReading reading)
    {
        lock (_lock)
        {
            if (--reading.Waiters == 0 && Remove(reading))
            {
                reading.Cancel();
            }
        }
    }

    private async Task ReadAsync(IFeedLog log, HistoryReading reading)
    {
        await Task.Yield(); // a store may take its time before it returns
        try
        {
            var page = await log.ReadAsync(reading.After.Offset, MaxEntries, PageLength, reading.Cancellation);
            End(reading, page);
            reading.Complete(page);
        }
        catch (Exception exception)
        {
            End(reading, page: null);
            reading.Fail(exception);
        }
    }

    private void End(HistoryReading reading, FeedLogPage? page)
    {
        var isOfLog = page is { Entries.Count: > 0 } && page.Epoch == reading.After.Epoch;
        var read = isOfLog ? new HistoryPage(this, reading.After, page!) : null;
        lock (_lock)
        {
            Remove(reading);
            if (read is not null)
            {
                _pages[read.After.Offset] = read;
            }
        }
        if (read is not null)
        {
            kept.Add(read);
        }
    }

    private bool Remove(HistoryReading reading) =>
        _readings.GetValueOrDefault(reading.After) == reading && _readings.Remove(reading.After);

    // Of the pages, the one that begins last before the position.
    private FeedLogPage? FindPage(FeedPosition position)
    {
        var (low, high) = (0, _pages.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_pages.GetKeyAtIndex(middle) <= position.Offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        return low > 0 && _pages.GetValueAtIndex(low - 1) is var page && page.Has(position) ? page.Content : null;
    }
}
