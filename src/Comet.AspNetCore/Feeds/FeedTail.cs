using System.Diagnostics;
using System.Text;
using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// The newest entries of a log in a ring, numbered by an index of its own: offsets may have holes, indexes have none, so a lag is a
/// subtraction. An index stays valid until the ring is reset, which begins another generation.
/// </summary>
internal sealed class FeedTail(FeedRetention retention, TimeProvider time, bool isWholeLog = false) : IFeedTail
{
    // Enough for connections that keep up, or nearly, when a store has the rest.
    private const int MaxEntries = 8192;
    private const long MaxBytes = 4 * 1024 * 1024;

    // Clocks of servers differ by less, or their messages are found by them as they are dated.
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(1);

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
    private bool _hasEnded;
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
                if (IsCompleted)
                {
                    break;
                }
                if (entry.Offset > _head)
                {
                    Add(entry, appendedAt, now);
                    _head = _told = entry.Offset;
                }
                else if (entry.IsCompletion)
                {
                    CompleteLate(entry, appendedAt, now);
                }
            }
            Trim(now, firstNew); // what has just come was seen by nobody, so it stays until the next append or sweep
        }
        Announce();
    }

    /// <summary>Takes a completion that was read from the store, if the tail has had to begin behind it.</summary>
    /// <param name="epoch">The epoch of the log that was read.</param>
    /// <param name="completion">Its last entry.</param>
    internal void Complete(string epoch, FeedEntry completion)
    {
        lock (_lock)
        {
            if (epoch != _epoch || completion.Offset > _head || IsCompleted)
            {
                return; // one beyond the head comes by itself
            }
            CompleteLate(completion, Stopwatch.GetTimestamp(), time.GetTimestamp());
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
        long first;
        lock (_lock)
        {
            first = _first;
            Trim(time.GetTimestamp(), _next);
            if (_first == first)
            {
                return;
            }
        }
        Announce(); // a slow reader may have been there
    }

    internal TailState State
    {
        get
        {
            lock (_lock)
            {
                return new TailState(
                    _generation,
                    _first,
                    _next,
                    new FeedPosition(_epoch, _head),
                    _trimmedThrough,
                    _head != _told,
                    IsCompleted,
                    LiveHead);
            }
        }
    }

    /// <summary>Where the log was completed; null: it goes on, or the completion is too old to be retained.</summary>
    internal FeedPosition? CompletedAt
    {
        get
        {
            lock (_lock)
            {
                return IsCompleted ? new FeedPosition(_epoch, this[_next - 1].Entry.Offset) : null;
            }
        }
    }

    /// <summary>
    /// Where what follows a position begins, or the completion, which every reader gets. Null when entries between the two have left the
    /// ring, or when the position is of another epoch: compared here, as the tail may be reset at any time.
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
            return new TailCursor(_generation, IsCompleted ? Math.Min(low, _next - 1) : low);
        }
    }

    /// <summary>
    /// Writes entries from a cursor on, up to an index, and not beyond the one with which the buffer has <paramref name="maxBytes"/>. One
    /// that has as many by itself is the first, or is left for the next time.
    /// </summary>
    /// <returns>Where the rest begins, and when the last one written was appended; nothing is written at a lost cursor.</returns>
    /// <param name="from">Where to begin.</param>
    /// <param name="until">The index to stop at.</param>
    /// <param name="maxBytes">How long the buffer may get, but for the last entry.</param>
    /// <param name="format">How.</param>
    /// <param name="buffer">Where to.</param>
    /// <param name="feed">The feed's name, where the messages have it.</param>
    /// <param name="idPrefix">What precedes the offset in the ids; empty: this feed's epoch and a dash.</param>
    internal (TailCursor To, long AppendedAt) Write(
        TailCursor from,
        long until,
        int maxBytes,
        WireFormat format,
        FrameBuffer buffer,
        EncodedFeedName? feed = null,
        ReadOnlySpan<byte> idPrefix = default)
    {
        lock (_lock)
        {
            var index = from.Index;
            var appendedAt = 0L;
            if (from.Generation == _generation && index >= _first)
            {
                idPrefix = idPrefix.IsEmpty ? _idPrefix : idPrefix;
                for (; index < Math.Min(until, _next) && buffer.Length < maxBytes; index++)
                {
                    ref var slot = ref this[index];
                    if (slot.Entry.Payload.Length >= maxBytes && buffer.Length > 0)
                    {
                        break; // a long one is by itself, so that slow clients share it whatever they have to take before
                    }
                    if (slot.Entry.IsCompletion)
                    {
                        format.WriteCompletion(buffer, idPrefix, slot.Entry.Offset, feed);
                    }
                    else
                    {
                        format.WriteMessage(buffer, slot.Entry.Payload.Span, idPrefix, slot.Entry.Offset, feed);
                    }
                    appendedAt = slot.AppendedAt;
                }
            }
            return (new TailCursor(from.Generation, index), appendedAt);
        }
    }

    /// <summary>Up to which offset a reader at a cursor has everything. Null: the cursor is lost.</summary>
    internal long? OffsetBefore(TailCursor cursor)
    {
        lock (_lock)
        {
            return _hasEnded || cursor.Generation != _generation || cursor.Index < _first ? null
                : cursor.Index == _next ? _head
                : cursor.Index == _first ? _trimmedThrough
                : this[cursor.Index - 1].Entry.Offset;
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

    /// <inheritdoc cref="IFeedLog.FindNewestAsync"/>
    /// <returns>Null: some of them have left the tail.</returns>
    internal FeedPosition? FindNewest(int count)
    {
        lock (_lock)
        {
            return FirstOfNewest(count) is { } index ? Before(index) : null;
        }
    }

    /// <inheritdoc cref="IFeedLog.FindSinceAsync"/>
    /// <returns>Null: some of them may have left the tail.</returns>
    internal FeedPosition? FindSince(DateTimeOffset time)
    {
        lock (_lock)
        {
            // One that has left may be dated later than the oldest that is here, by another server's clock.
            if (!HoldsAll && (_first == EndOfMessages || time - this[_first].Entry.At <= ClockTolerance))
            {
                return null;
            }
            var index = _first;
            while (index < EndOfMessages && this[index].Entry.At < time)
            {
                index++;
            }
            return Before(index);
        }
    }

    /// <summary>
    /// The newest messages, or all that are retained if there are fewer, and the position after which the end follows, or the next. Null:
    /// some of them have left the tail.
    /// </summary>
    internal (List<FeedEntry> Messages, FeedPosition Head)? CopyNewest(int count)
    {
        lock (_lock)
        {
            if (FirstOfNewest(count) is not { } from)
            {
                return null;
            }
            var messages = new List<FeedEntry>((int)(EndOfMessages - from));
            for (var index = from; index < EndOfMessages; index++)
            {
                messages.Add(this[index].Entry);
            }
            return (messages, LiveHead);
        }
    }

    /// <summary>Ends all waiting, now and from now on.</summary>
    internal void End()
    {
        lock (_lock)
        {
            _hasEnded = true;
        }
        Interlocked.Exchange(ref _changed, null)?.SetResult();
    }

    /// <summary>Completes when something lies after the cursor, or it is lost, or the tail has ended.</summary>
    internal Task WaitAsync(TailCursor cursor, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return _hasEnded || cursor.Generation != _generation || cursor.Index != _next
                ? Task.CompletedTask
                : (_changed ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task.WaitAsync(cancellationToken);
        }
    }

    private ref Slot this[long index] => ref _ring[index & (_ring.Length - 1)];

    private bool HoldsAll => isWholeLog || _trimmedThrough == 0;

    private long EndOfMessages => IsCompleted ? _next - 1 : _next;

    // The index of the first of the newest messages; null: it may have left the tail.
    private long? FirstOfNewest(int count) => EndOfMessages - count >= _first ? EndOfMessages - count : HoldsAll ? _first : null;

    private FeedPosition LiveHead => IsCompleted ? Before(EndOfMessages) : new(_epoch, _head);

    private FeedPosition Before(long index) => new(_epoch, index > _first ? this[index - 1].Entry.Offset : _trimmedThrough);

    private bool IsCompleted => _first < _next && this[_next - 1].Entry.IsCompletion;

    private void Add(in FeedEntry entry, long appendedAt, long now)
    {
        if (_next - _first == _ring.Length)
        {
            Grow();
        }
        this[_next++] = new Slot(entry, appendedAt, now);
        _bytes += entry.Payload.Length;
    }

    // The log is known to have ended before what another server, which did not know it either, has appended.
    private void CompleteLate(in FeedEntry completion, long appendedAt, long now)
    {
        var next = _next;
        while (_first < _next && this[_next - 1].Entry.Offset > completion.Offset)
        {
            ref var slot = ref this[--_next];
            _bytes -= slot.Entry.Payload.Length;
            slot = default;
        }
        _generation += _next < next ? 1 : 0;
        Add(completion, appendedAt, now);
    }

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
        var entries = _maxEntries + (IsCompleted ? 1L : 0);
        while (_first < until)
        {
            ref var slot = ref this[_first];
            var isNewest = _first >= EndOfMessages - 1;
            var isWithinLimits = _next - _first <= entries && _bytes <= _maxBytes;
            if (time.GetElapsedTime(slot.ArrivedAt, now) <= _maxAge && (isNewest || isWithinLimits))
            {
                return;
            }
            _bytes -= slot.Entry.Payload.Length;
            _trimmedThrough = Math.Max(_trimmedThrough, slot.Entry.Offset); // a late completion lies before it
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
