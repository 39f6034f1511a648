using Comet.AspNetCore.RabbitMQ.Messages;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>
/// What this server has to publish to a stream. A message leaves when it was read back. Reading a later one of ours back shows
/// that those before it are not in the log and never will be, since their numbers are overtaken; so they can be sent again under new ones
/// and cannot be doubled.
/// </summary>
internal sealed class Outbox(TimeProvider time)
{
    /// <summary>When so many messages lie between what was read at its sending and a message itself, others learn little from it.</summary>
    internal const int FarBehind = 5000;

    private readonly Lock _lock = new();
    private readonly SortedDictionary<long, PendingAppend> _waiting = [];
    private readonly Queue<PendingAppend> _sent = new();
    private readonly SemaphoreSlim _added = new(0);
    private long _order;
    private long _sequence;
    private bool _wasFarBehind;

    /// <summary>Names this server among the publishers of the stream.</summary>
    internal long Publisher { get; } = Random.Shared.NextInt64(1, long.MaxValue);

    /// <summary>How long the oldest message that was sent has not been read back.</summary>
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

    /// <summary>Publishes, and waits until it was read back.</summary>
    /// <exception cref="TimeoutException">It was not; it may be stored all the same.</exception>
    internal async ValueTask<FeedPosition> SendAsync(PendingAppend append, TimeSpan patience, CancellationToken cancellationToken)
    {
        Add(append);
        try
        {
            return await append.Stored.WaitAsync(patience, time, cancellationToken);
        }
        catch
        {
            lock (_lock)
            {
                append.IsAbandoned = true;
                _waiting.Remove(append.Order);
            }
            throw;
        }
    }

    /// <summary>Publishes what nobody waits for.</summary>
    internal void Add(PendingAppend append)
    {
        lock (_lock)
        {
            AddLast(append);
        }
    }

    /// <summary>Completes when something may have to be sent.</summary>
    internal async Task WaitAsync(CancellationToken cancellationToken)
    {
        await _added.WaitAsync(cancellationToken);
        while (_added.Wait(0, CancellationToken.None))
        {
        }
    }

    /// <summary>The next message to send, with a number of its own.</summary>
    internal RabbitMQMessage? Next(string epoch, long floor)
    {
        lock (_lock)
        {
            if (_waiting.Count == 0)
            {
                return null;
            }
            var append = _waiting.First().Value;
            _waiting.Remove(append.Order);
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

    /// <summary>A marker that nobody waits for.</summary>
    internal RabbitMQMessage Mark(string? epoch, long floor, DateTimeOffset at, bool begins = false)
    {
        lock (_lock)
        {
            return new RabbitMQMessage { Id = new MessageId(Publisher, ++_sequence), Epoch = epoch, Floor = floor, At = at, Begins = begins };
        }
    }

    /// <summary>A message of ours was read.</summary>
    internal void Read(long sequence, Verdict verdict, FeedPosition position)
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
                if (append.Sequence != sequence || verdict == Verdict.Stale)
                {
                    SendAgain(append);
                }
                else
                {
                    stored = append;
                    _wasFarBehind |= position.Offset - append.Floor > FarBehind;
                }
                if (append.Sequence == sequence && verdict == Verdict.Stale)
                {
                    // Its epoch is over and never comes back, so those that follow in it will not count either.
                    while (_sent.TryPeek(out var next) && next.Epoch == append.Epoch)
                    {
                        SendAgain(_sent.Dequeue());
                    }
                }
            }
            if (_wasFarBehind && _sent.Count == 0 && _waiting.Count == 0)
            {
                _wasFarBehind = false;
                AddLast(new PendingAppend(null, default, time.GetUtcNow())); // whoever begins to read at the end learns the epoch from this
            }
        }
        stored?.Complete(position);
    }

    /// <summary>A part of the stream was missed: nobody knows whether what was sent is in it, so it must not be sent again.</summary>
    internal void GiveUp()
    {
        lock (_lock)
        {
            while (_sent.TryDequeue(out var append))
            {
                append.Fail(new FeedUnavailableException("RabbitMQ was away for too long; it is not certain whether the message was stored."));
            }
        }
    }

    private void AddLast(PendingAppend append)
    {
        append.Order = ++_order;
        _waiting.Add(append.Order, append);
        _added.Release();
    }

    private void SendAgain(PendingAppend append)
    {
        if (!append.IsAbandoned)
        {
            _waiting.Add(append.Order, append);
            _added.Release();
        }
    }
}
