using System.Diagnostics;
using System.Text;
using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// The newest entries of a log in a ring, numbered by an index of its own: offsets may have holes, indexes have none, so a lag is a
/// subtraction. An index stays valid until the ring is reset, which begins another generation.
/// </summary>
internal sealed class FeedTail(FeedRetention retention, TimeProvider time) : IFeedTail
{
    // Enough for connections that keep up, or nearly, when a store has the rest.
    private const int MaxEntries = 8192;
    private const long MaxBytes = 4 * 1024 * 1024;

    // Not the record, of which every key would have its own.
    private readonly int _maxEntries = retention.Entries;
    private readonly long _maxBytes = retention.Bytes;
    private readonly TimeSpan _maxAge = retention.Age;
    private readonly Lock _lock = new();
    private Slot[] _ring = []; // most feeds of a large family hold one entry
    private long _first;
    private long _next;
    private long _bytes;
    private int _generation;
    private string _epoch = "";
    private byte[] _idPrefix = [];
    private long _head;
    private long _told; // the head as readers know it from the newest entry, or the reset
    private long _trimmedThrough;
    private TaskCompletionSource? _changed; // made under the lock; Announce takes it without

    // Its age counts from its arrival, on the monotonic clock: other servers have other clocks, and any of them may be set.
    private readonly record struct Slot(FeedEntry Entry, long AppendedAt, long ArrivedAt);

    internal static readonly Action NobodyListens = static () => { };

    /// <summary>Called after every change, outside the lock. Who sets it then asks for <see cref="State"/>, to miss nothing.</summary>
    internal Action Changed { private get; set; } = NobodyListens;

    /// <summary>What a tail holds when the store can read back the rest of what is retained.</summary>
    internal static FeedRetention NewestOf(FeedRetention retention) =>
        retention with { Entries = Math.Min(retention.Entries, MaxEntries), Bytes = Math.Min(retention.Bytes, MaxBytes) };

    internal bool IsEmpty
    {
        get
        {
            lock (_lock)
            {
                return _first == _next;
            }
        }
    }

    public void Reset(string epoch, long head)
    {
        lock (_lock)
        {
            Array.Clear(_ring);
            _epoch = epoch;
            _idPrefix = Encoding.ASCII.GetBytes($"{epoch}-");
            _head = _told = _trimmedThrough = head;
            _first = _next;
            _bytes = 0;
            _generation++;
        }
        Announce();
    }

    public void Append(ReadOnlySpan<FeedEntry> entries)
    {
        var appendedAt = Stopwatch.GetTimestamp();
        lock (_lock)
        {
            var (now, firstNew) = (time.GetTimestamp(), _next);
            foreach (var entry in entries)
            {
                if (entry.Offset <= _head)
                {
                    continue;
                }
                if (_next - _first == _ring.Length)
                {
                    Grow();
                }
                this[_next++] = new Slot(entry, appendedAt, now);
                _head = _told = entry.Offset;
                _bytes += entry.Payload.Length;
            }
            Trim(now, firstNew); // what has just come was seen by nobody, so it stays until the next append or sweep
        }
        Announce();
    }

    // Nobody is woken: readers learn it with their next heartbeat.
    public void Advance(long head)
    {
        lock (_lock)
        {
            _head = Math.Max(_head, head);
        }
    }

    /// <summary>Removes what retention does not keep by now.</summary>
    internal void TrimByAge()
    {
        lock (_lock)
        {
            Trim(time.GetTimestamp(), _next);
        }
    }

    internal TailState State
    {
        get
        {
            lock (_lock)
            {
                return new TailState(_generation, _first, _next, new FeedPosition(_epoch, _head), _trimmedThrough, _head != _told);
            }
        }
    }

    /// <summary>
    /// Where what follows a position begins. Null when entries between the two have left the ring, or when the position is of another
    /// epoch: compared here, as the tail may be reset at any time.
    /// </summary>
    internal TailCursor? Find(FeedPosition after)
    {
        lock (_lock)
        {
            if (after.Epoch != _epoch || after.Offset < _trimmedThrough)
            {
                return null;
            }
            var (low, high) = (_first, _next);
            while (low < high)
            {
                var middle = low + ((high - low) / 2);
                if (this[middle].Entry.Offset <= after.Offset)
                {
                    low = middle + 1;
                }
                else
                {
                    high = middle;
                }
            }
            return new TailCursor(_generation, low);
        }
    }

    /// <summary>Writes entries from an index on, until the buffer has <paramref name="maxBytes"/> or the newest is in.</summary>
    /// <returns>The index after the last one written, and when that one was appended; nothing is written at a lost cursor.</returns>
    internal (long To, long AppendedAt) Write(TailCursor from, int maxBytes, WireFormat format, FrameBuffer buffer)
    {
        lock (_lock)
        {
            var index = from.Index;
            var appendedAt = 0L;
            if (from.Generation == _generation && index >= _first)
            {
                for (; index < _next && buffer.Length < maxBytes; index++)
                {
                    ref var slot = ref this[index];
                    format.WriteMessage(buffer, slot.Entry.Payload.Span, _idPrefix, slot.Entry.Offset);
                    appendedAt = slot.AppendedAt;
                }
            }
            return (index, appendedAt);
        }
    }

    /// <summary>Copies entries from an index on, for a reader in code. Null: the cursor is lost.</summary>
    internal List<FeedEntry>? Copy(TailCursor from, int max)
    {
        lock (_lock)
        {
            if (from.Generation != _generation || from.Index < _first)
            {
                return null;
            }
            var count = (int)Math.Min(max, _next - from.Index);
            var entries = new List<FeedEntry>(count);
            for (var index = from.Index; index < from.Index + count; index++)
            {
                entries.Add(this[index].Entry);
            }
            return entries;
        }
    }

    /// <summary>Completes when something lies after the cursor, or it is lost.</summary>
    internal Task WaitAsync(TailCursor cursor, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return cursor.Generation != _generation || cursor.Index != _next
                ? Task.CompletedTask
                : (_changed ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task.WaitAsync(cancellationToken);
        }
    }

    private ref Slot this[long index] => ref _ring[index & (_ring.Length - 1)];

    private void Grow()
    {
        var larger = new Slot[Math.Max(1, _ring.Length * 2)];
        for (var index = _first; index < _next; index++)
        {
            larger[index & (larger.Length - 1)] = this[index];
        }
        _ring = larger;
    }

    // Entries from this index on stay, whatever the limits.
    private void Trim(long now, long until)
    {
        while (_first < until)
        {
            ref var slot = ref this[_first];
            var isNewest = _first == _next - 1;
            var isWithinLimits = _next - _first <= _maxEntries && _bytes <= _maxBytes;
            if (time.GetElapsedTime(slot.ArrivedAt, now) <= _maxAge && (isNewest || isWithinLimits))
            {
                return;
            }
            _bytes -= slot.Entry.Payload.Length;
            _trimmedThrough = slot.Entry.Offset;
            slot = default;
            _first++;
        }
    }

    private void Announce()
    {
        if (Volatile.Read(ref _changed) is not null)
        {
            Interlocked.Exchange(ref _changed, null)?.SetResult();
        }
        Changed();
    }
}
