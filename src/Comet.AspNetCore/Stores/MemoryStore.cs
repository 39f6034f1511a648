using System.Security.Cryptography;

namespace Comet.AspNetCore.Stores;

/// <summary>Logs that live as long as the process. The default; tests of an app with another store may put it back.</summary>
/// <param name="time">Dates the entries.</param>
public sealed class MemoryStore(TimeProvider time) : IFeedStore
{
    // The tail is the whole log.
    /// <inheritdoc />
    public bool CanReadBack => false;

    /// <inheritdoc />
    public ValueTask<IFeedLog> OpenAsync(FeedName feed, FeedRetention retention, IFeedTail tail, CancellationToken cancellationToken) =>
        new(new MemoryLog(tail, time));

    // Its lock is itself: there is one for every key, nobody outside has it, and a Lock is 40 bytes.
    private sealed class MemoryLog : IFeedLog
    {
        private readonly string _epoch = RandomNumberGenerator.GetString("0123456789abcdefghijklmnopqrstuvwxyz", 8);
        private readonly IFeedTail _tail;
        private readonly TimeProvider _time;
        private long _head;
        private bool _isClosed;

        internal MemoryLog(IFeedTail tail, TimeProvider time)
        {
            (_tail, _time) = (tail, time);
            tail.Reset(_epoch, _head);
        }

        public ValueTask<FeedPosition> AppendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
        {
            lock (this)
            {
                ObjectDisposedException.ThrowIf(_isClosed, this);
                var entry = new FeedEntry(++_head, payload, _time.GetUtcNow());
                _tail.Append(new ReadOnlySpan<FeedEntry>(in entry));
                return new(new FeedPosition(_epoch, entry.Offset));
            }
        }

        // What is asked for is not in the tail, which is the whole log, so it was trimmed.
        public ValueTask<FeedLogPage> ReadAsync(long after, int maxEntries, long maxBytes, CancellationToken cancellationToken) =>
            new(new FeedLogPage(_epoch, long.MaxValue, []));

        public ValueTask DisposeAsync()
        {
            lock (this)
            {
                _isClosed = true;
            }
            return ValueTask.CompletedTask;
        }
    }
}
