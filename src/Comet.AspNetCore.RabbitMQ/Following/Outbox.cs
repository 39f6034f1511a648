using Comet.AspNetCore.RabbitMQ.Connections;
using Comet.AspNetCore.RabbitMQ.Messages;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>
/// The messages that this server publishes to a RabbitMQ stream. A message leaves when the server reads it back. When the server reads a
/// later message of its own first, the earlier ones are not in the log and never will be, as <see cref="LogRules"/> drops messages whose
/// sequence number is not the highest of their publisher. They are sent again under new numbers, and cannot enter the log twice.
/// </summary>
/// <param name="bytes">Counts what waits to be sent, and what was sent and not read back.</param>
/// <param name="time">Measures how long that takes.</param>
internal sealed class Outbox(OutboxBytes bytes, TimeProvider time)
{
    /// <summary>
    /// When more messages than this lie between a message and its floor, a server that begins to read at the end of the stream cannot
    /// learn the epoch from it.
    /// </summary>
    internal const int FarBehind = 5000;

    private readonly Lock _lock = new();
    private readonly SortedSet<PendingAppend> _waiting = new(Comparer<PendingAppend>.Create(static (a, b) => a.Order.CompareTo(b.Order)));
    private readonly Queue<PendingAppend> _sent = new();
    private readonly SemaphoreSlim _added = new(0);
    private bool _wasAdded;
    private long _order;
    private long _sequence;
    private bool _wasFarBehind;
    private bool _hasEnded;
    private (string Reason, long Through)? _refusal;

    /// <summary>The id of this server among the publishers of the RabbitMQ stream, chosen at random.</summary>
    internal long Publisher { get; } = Random.Shared.NextInt64(1, long.MaxValue);

    /// <summary>Longer messages fail; the least limit that is known.</summary>
    internal long MaxBytes { get; set; } = RabbitMQAddress.MaxMessageBytes;

    /// <summary>The age of the oldest message that was sent and not read back.</summary>
    internal TimeSpan Lag
    {
        get
        {
            lock (_lock)
            {
                return _sent.TryPeek(out var oldest) ? time.GetElapsedTime(oldest.SentAt) : TimeSpan.Zero;
            }
        }
    }

    /// <summary>Publishes a message and waits until this server has read it back.</summary>
    /// <exception cref="ArgumentException">It is longer than <see cref="MaxBytes"/>.</exception>
    /// <exception cref="FeedUnavailableException">Too much waits already, or the broker has refused it.</exception>
    /// <exception cref="ObjectDisposedException">The app has ended; the message may be stored all the same.</exception>
    /// <exception cref="TimeoutException">It was not read back in time; it may be stored all the same.</exception>
    internal async ValueTask<FeedPosition> SendAsync(PendingAppend append, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (append.Payload.Length > MaxBytes)
        {
            throw append.NewTooLarge(MaxBytes);
        }
        if (!bytes.TryAdd(append))
        {
            throw new FeedUnavailableException(
                $"{OutboxBytes.Max >> 20} MiB of messages wait to be stored in RabbitMQ. The broker is slower than the app publishes, or "
                + "cannot be reached: publish less, and wait for each publish before the next. This message was not stored.");
        }
        AddLast(append);
        try
        {
            return await append.Stored.WaitAsync(timeout, time, cancellationToken);
        }
        catch
        {
            lock (_lock)
            {
                append.IsAbandoned = true;
                if (_waiting.Remove(append))
                {
                    bytes.Remove(append);
                }
            }
            throw;
        }
    }

    /// <summary>Publishes a marker without waiting for it.</summary>
    internal void AddMarker()
    {
        var marker = new PendingAppend(null, default, time.GetUtcNow());
        bytes.TryAdd(marker);
        AddLast(marker);
    }

    /// <summary>Waits until there may be a message to send.</summary>
    internal async Task WaitAsync(CancellationToken cancellationToken)
    {
        await _added.WaitAsync(cancellationToken);
        lock (_lock)
        {
            _wasAdded = false;
        }
    }

    /// <summary>Takes the next message to send and gives it a sequence number; null: there is none.</summary>
    internal RabbitMQMessage? Next(string epoch, long floor)
    {
        lock (_lock)
        {
            if (TakeFirst() is not { } append)
            {
                return null;
            }
            (append.Sequence, append.Epoch, append.Floor, append.SentAt) = (++_sequence, epoch, floor, time.GetTimestamp());
            _sent.Enqueue(append);
            return new RabbitMQMessage
            {
                Id = new MessageId(Publisher, append.Sequence),
                Epoch = epoch,
                Floor = floor,
                Feed = append.Feed,
                At = append.At,
                Payload = append.Payload,
            };
        }
    }

    /// <summary>Makes a marker that the caller sends itself.</summary>
    internal RabbitMQMessage Mark(string? epoch, long floor, DateTimeOffset at, bool begins = false)
    {
        lock (_lock)
        {
            return new RabbitMQMessage
            {
                Id = new MessageId(Publisher, ++_sequence),
                Epoch = epoch,
                Floor = floor,
                At = at,
                Begins = begins,
            };
        }
    }

    /// <summary>Records that a message of this server was read back.</summary>
    internal void RecordRead(long sequence, Verdict verdict, FeedPosition position)
    {
        if (verdict == Verdict.Duplicate)
        {
            return;
        }
        PendingAppend? stored = null;
        lock (_lock)
        {
            while (_sent.TryPeek(out var append) && append.Sequence <= sequence)
            {
                _sent.Dequeue();
                if (append.Sequence != sequence && _refusal is { } refusal)
                {
                    // A channel stores in order, so the oldest message that is missing is the one for which it was closed.
                    Fail(append, new FeedUnavailableException($"RabbitMQ has refused the message: {refusal.Reason}"));
                    _refusal = null;
                }
                else if (append.Sequence != sequence || verdict == Verdict.Stale)
                {
                    SendAgain(append);
                }
                else
                {
                    stored = append;
                    bytes.Remove(append);
                    _wasFarBehind |= position.Offset - append.Floor > FarBehind;
                }
                if (append.Sequence == sequence && verdict == Verdict.Stale)
                {
                    // Its epoch is over and never returns, so the later messages of the same epoch will be stale, too.
                    while (_sent.TryPeek(out var next) && next.Epoch == append.Epoch)
                    {
                        SendAgain(_sent.Dequeue());
                    }
                }
            }
            if (sequence > _refusal?.Through)
            {
                _refusal = null;
            }
            if (_wasFarBehind && _sent.Count == 0 && _waiting.Count == 0)
            {
                _wasFarBehind = false;
                AddMarker(); // a server that begins to read at the end learns the epoch
            }
        }
        stored?.Complete(position);
    }

    /// <summary>Records that the broker has closed the channel because of one of the messages that were sent.</summary>
    /// <param name="reason">What the broker said.</param>
    /// <param name="maxBytes">The longest message that the broker takes, if it said that.</param>
    internal void RecordRefusal(string reason, long? maxBytes)
    {
        lock (_lock)
        {
            if (maxBytes is { } most)
            {
                MaxBytes = Math.Min(MaxBytes, most); // all that are longer fail when they are to be sent again
            }
            else
            {
                _refusal = (reason, _sequence);
            }
        }
    }

    /// <summary>
    /// Fails all messages that were sent and not read back. It is called when this server has missed a part of the stream: the messages
    /// may be in that part, so they are not sent again.
    /// </summary>
    internal void FailSent()
    {
        lock (_lock)
        {
            while (_sent.TryDequeue(out var append))
            {
                Fail(append, new FeedUnavailableException(
                    "RabbitMQ could not be reached for longer than the RabbitMQ stream keeps messages. The message may be stored."));
            }
        }
    }

    /// <summary>Fails all messages, and those that come from now on.</summary>
    internal void End()
    {
        lock (_lock)
        {
            _hasEnded = true;
            foreach (var append in _waiting.Concat(_sent))
            {
                Fail(append, Ended());
            }
            _waiting.Clear();
            _sent.Clear();
        }
    }

    private static ObjectDisposedException Ended() => new(nameof(Outbox), "The app has ended, and its store with it.");

    private PendingAppend? TakeFirst()
    {
        while (_waiting.Min is { } append)
        {
            _waiting.Remove(append);
            if (append.Payload.Length <= MaxBytes)
            {
                return append;
            }
            Fail(append, append.NewTooLarge(MaxBytes));
        }
        return null;
    }

    private void Fail(PendingAppend append, Exception exception)
    {
        bytes.Remove(append);
        append.Fail(exception);
    }

    private void AddLast(PendingAppend append)
    {
        lock (_lock)
        {
            if (_hasEnded)
            {
                Fail(append, Ended());
                return;
            }
            append.Order = ++_order;
            AddWaiting(append);
        }
    }

    private void SendAgain(PendingAppend append)
    {
        if (append.IsAbandoned)
        {
            bytes.Remove(append);
        }
        else
        {
            AddWaiting(append);
        }
    }

    private void AddWaiting(PendingAppend append)
    {
        _waiting.Add(append);
        if (!_wasAdded)
        {
            _wasAdded = true;
            _added.Release();
        }
    }
}
