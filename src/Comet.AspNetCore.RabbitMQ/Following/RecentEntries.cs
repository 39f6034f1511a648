using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>
/// The newest entries of a RabbitMQ stream, of all its feeds, within a limit of bytes. A client that comes from another server finds here
/// what it has missed, even of a feed that is not open on this server.
/// </summary>
internal sealed class RecentEntries(long maxBytes)
{
    // Bytes of memory that an entry takes besides its payload, estimated.
    private const int Overhead = 128;

    private readonly Dictionary<string, Ring> _feeds = [];
    private readonly Queue<Ring> _order = new();
    private long _bytes;

    /// <summary>All entries above this offset are here.</summary>
    internal long Start { get; private set; }

    internal void Clear(long start)
    {
        _feeds.Clear();
        _order.Clear();
        (Start, _bytes) = (start, 0);
    }

    internal void Add(string feed, FeedEntry entry)
    {
        if (!_feeds.TryGetValue(feed, out var ring))
        {
            _feeds.Add(feed, ring = new Ring(feed));
        }
        ring.Add(entry);
        _order.Enqueue(ring);
        _bytes += entry.Payload.Length + Overhead;
        while (_bytes > maxBytes && _order.Count > 1)
        {
            var oldest = _order.Dequeue();
            var removed = oldest.RemoveFirst();
            _bytes -= removed.Payload.Length + Overhead;
            Start = removed.Offset;
            if (oldest.Count == 0)
            {
                _feeds.Remove(oldest.Feed);
            }
        }
    }

    /// <summary>The offset of a feed's newest entry, or <see cref="Start"/> if that entry is older.</summary>
    internal long HeadOf(string feed) => _feeds.TryGetValue(feed, out var ring) ? ring[ring.Count - 1].Offset : Start;

    /// <summary>A feed's entries after an offset, oldest first; null: some of them may have been removed from here.</summary>
    internal List<FeedEntry>? After(string feed, long offset, int max)
    {
        if (offset < Start)
        {
            return null;
        }
        var entries = new List<FeedEntry>();
        if (_feeds.TryGetValue(feed, out var ring))
        {
            for (var index = ring.FindAfter(offset); index < ring.Count && entries.Count < max; index++)
            {
                entries.Add(ring[index]);
            }
        }
        return entries;
    }

    private sealed class Ring(string feed)
    {
        private FeedEntry[] _entries = new FeedEntry[4];
        private int _first;

        internal string Feed { get; } = feed;

        internal int Count { get; private set; }

        internal FeedEntry this[int index] => _entries[(_first + index) & (_entries.Length - 1)];

        internal void Add(FeedEntry entry)
        {
            if (Count == _entries.Length)
            {
                var larger = new FeedEntry[Count * 2];
                for (var index = 0; index < Count; index++)
                {
                    larger[index] = this[index];
                }
                (_entries, _first) = (larger, 0);
            }
            _entries[(_first + Count++) & (_entries.Length - 1)] = entry;
        }

        internal FeedEntry RemoveFirst()
        {
            var first = _entries[_first];
            _entries[_first] = default;
            _first = (_first + 1) & (_entries.Length - 1);
            Count--;
            return first;
        }

        internal int FindAfter(long offset)
        {
            var (low, high) = (0, Count);
            while (low < high)
            {
                var middle = low + ((high - low) / 2);
                if (this[middle].Offset <= offset)
                {
                    low = middle + 1;
                }
                else
                {
                    high = middle;
                }
            }
            return low;
        }
    }
}
