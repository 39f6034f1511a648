namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>
/// What this server has to publish to a stream. A message leaves when it was read back. Reading a later one of ours back shows
/// that those before it are not in the log and never will be, since their numbers are overtaken; so they can be sent again under new ones
/// and cannot be doubled.
/// </summary>
internal sealed class Outbox
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Append> _waiting = new();
    private readonly Queue<Append> _sent = new();
    private readonly SemaphoreSlim _added = new(0);
    private long _sequence;

    /// <summary>Names this server among the publishers of the stream.</summary>
    internal long Publisher { get; } = Random.Shared.NextInt64(1, long.MaxValue);

    /// <summary>Publishes, and waits until it was read back.</summary>
    /// <exception cref="TimeoutException">It was not; it may be stored all the same.</exception>
    internal async ValueTask<FeedPosition> SendAsync(Append append, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        var place = new LinkedListNode<Append>(append);
        lock (_gate)
        {
            _waiting.AddLast(place);
        }
        _added.Release();
        try
        {
            return await append.Stored.WaitAsync(patience, time, cancellationToken);
        }
        catch
        {
            lock (_gate)
            {
                append.IsAbandoned = true;
                place.List?.Remove(place);
            }
            throw;
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
    internal StreamMessage? Next(string epoch, long floor)
    {
        lock (_gate)
        {
            if (_waiting.First is not { Value: var append } first)
            {
                return null;
            }
            _waiting.Remove(first);
            append.Sequence = ++_sequence;
            _sent.Enqueue(append);
            return new StreamMessage
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
    internal StreamMessage Mark(string? epoch, long floor, DateTimeOffset at, bool begins = false)
    {
        lock (_gate)
        {
            return new StreamMessage { Id = new MessageId(Publisher, ++_sequence), Epoch = epoch, Floor = floor, At = at, Begins = begins };
        }
    }

    /// <summary>A message of ours was read.</summary>
    internal void Read(long sequence, Verdict verdict, FeedPosition position)
    {
        if (verdict == Verdict.Duplicate)
        {
            return;
        }
        Append? stored = null;
        lock (_gate)
        {
            var overtaken = new List<Append>();
            while (_sent.TryPeek(out var append) && append.Sequence <= sequence)
            {
                _sent.Dequeue();
                if (append.Sequence == sequence && verdict == Verdict.Accepted)
                {
                    stored = append;
                }
                else
                {
                    overtaken.Add(append);
                }
            }
            for (var index = overtaken.Count - 1; index >= 0; index--)
            {
                if (!overtaken[index].IsAbandoned)
                {
                    _waiting.AddFirst(overtaken[index]);
                }
            }
            if (overtaken.Count > 0)
            {
                _added.Release();
            }
        }
        stored?.Complete(position);
    }
}
