namespace Comet.AspNetCore.Feeds;

/// <summary>
/// The pages that were just read, of all feeds, for others who ask for the same. The oldest leave when there are too many bytes; all leave
/// every few seconds.
/// </summary>
internal sealed class KeptPages
{
    private const long MaxBytes = 4 * 1024 * 1024;

    private readonly Lock _lock = new();
    private readonly Queue<HistoryPage> _pages = [];
    private long _bytes;

    internal void Add(HistoryPage page)
    {
        if (page.Bytes > MaxBytes)
        {
            page.Drop(); // all others would leave for it, and it would leave as well
            return;
        }
        lock (_lock)
        {
            _pages.Enqueue(page);
            _bytes += page.Bytes;
        }
        Shrink(MaxBytes);
    }

    internal void Clear() => Shrink(maxBytes: 0);

    private void Shrink(long maxBytes)
    {
        while (TakeOldest(maxBytes) is { } page)
        {
            page.Drop(); // without the lock, as a feed has one of its own
        }
    }

    private HistoryPage? TakeOldest(long maxBytes)
    {
        lock (_lock)
        {
            if (_bytes <= maxBytes)
            {
                return null;
            }
            var page = _pages.Dequeue();
            _bytes -= page.Bytes;
            return page;
        }
    }
}
