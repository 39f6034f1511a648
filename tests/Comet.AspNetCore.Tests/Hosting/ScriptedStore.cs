using System.Collections.Concurrent;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Tests.Hosting;

/// <summary>
/// A store with a history, whose offsets have holes, and which does what a test tells it: fails, forgets, begins anew, or waits in the
/// middle of a read.
/// </summary>
internal sealed class ScriptedStore : IFeedStore, IFeedLog
{
    private readonly Lock _lock = new();
    private readonly List<FeedEntry> _entries = [];
    private IFeedTail? _tail;
    private long _trimmedThrough;
    private long _end;

    internal const int Step = 3;

    internal string Epoch { get; private set; } = "scripted";

    /// <summary>Dates the entries; those of a test with time of its own would otherwise be too old to be retained.</summary>
    internal TimeProvider Time { get; init; } = TimeProvider.System;

    internal bool IsUnavailable { get; set; }

    /// <summary>Runs before each read.</summary>
    internal Func<Task> BeforeRead { get; set; } = () => Task.CompletedTask;

    /// <summary>Runs where a reader has looked at the tail, and asks for a position beyond it; its result is the answer.</summary>
    internal Func<bool> OnReach { get; set; } = () => false;

    /// <summary>Reads of what follows this offset, or a later one, wait in the call, and in the task that it returns.</summary>
    internal long HungFrom { get; set; } = long.MaxValue;

    /// <inheritdoc cref="HungFrom"/>
    internal ManualResetEventSlim HungCall { get; } = new(initialState: true);

    /// <inheritdoc cref="HungFrom"/>
    internal Task HungTask { get; set; } = Task.CompletedTask;

    internal int Reads { get; private set; }

    /// <summary>The payloads that were read, as long as anybody has them.</summary>
    internal ConcurrentQueue<WeakReference> Payloads { get; } = new();

    internal int Openings { get; private set; }

    internal long Head => _entries.Count == 0 ? _trimmedThrough : _entries[^1].Offset;

    public bool CanReadBack => true;

    internal string IdOf(int message) => $"{Epoch}-{message * Step}";

    /// <summary>Messages that are there before the feed is opened, numbered from 1.</summary>
    internal ScriptedStore With(int messages) => With(NewsApp.Numbers(1, messages));

    internal ScriptedStore With(IEnumerable<string> messages)
    {
        foreach (var message in messages)
        {
            Store(message);
        }
        return this;
    }

    /// <summary>Removes the oldest.</summary>
    internal void Trim(int messages)
    {
        lock (_lock)
        {
            _trimmedThrough = _entries[messages - 1].Offset;
            _entries.RemoveRange(0, messages);
        }
    }

    /// <summary>Stores what somebody else wrote, and hands it to the tail of a feed that is open.</summary>
    internal void Intrude(ReadOnlyMemory<byte> payload)
    {
        lock (_lock)
        {
            var entry = Store(payload);
            _tail?.Append(new ReadOnlySpan<FeedEntry>(in entry));
        }
    }

    /// <summary>Moves the end of the log without a message.</summary>
    internal void Advance(long head)
    {
        lock (_lock)
        {
            _end = Math.Max(_end, head);
            _tail!.Advance(head);
        }
    }

    /// <summary>
    /// Resets the tail to an end of the log that is behind its last entry, as a server does that joins a log with other feeds.
    /// </summary>
    internal void JoinAt(long head)
    {
        lock (_lock)
        {
            _tail!.Reset(Epoch, _end = head);
        }
    }

    /// <summary>Begins anew as another log.</summary>
    internal void BeginAnew(string epoch)
    {
        lock (_lock)
        {
            _entries.Clear();
            (Epoch, _trimmedThrough) = (epoch, 0);
            _tail?.Reset(epoch, 0);
        }
    }

    /// <summary>
    /// Stores messages that the tail does not get, as after a lost connection to a broker, and resets the tail behind them.
    /// </summary>
    internal void MissInTail(params string[] messages)
    {
        lock (_lock)
        {
            Array.ForEach(messages, message => Store(message));
            _tail?.Reset(Epoch, Head);
        }
    }

    /// <summary>Stores messages that the tail gets when the result is called, as between a commit and its announcement.</summary>
    internal Action StoreBeforeTail(params string[] messages)
    {
        lock (_lock)
        {
            var entries = Array.ConvertAll(messages, Store);
            return () => _tail!.Append(entries);
        }
    }

    public ValueTask<IFeedLog> OpenAsync(FeedName feed, FeedRetention retention, IFeedTail tail, CancellationToken cancellationToken)
    {
        ThrowIfUnavailable();
        lock (_lock)
        {
            Openings++;
            (_tail = tail).Reset(Epoch, Head);
            return new(this);
        }
    }

    public ValueTask<bool> ExistsAsync(FeedName feed, FeedRetention retention, CancellationToken cancellationToken)
    {
        ThrowIfUnavailable();
        lock (_lock)
        {
            return new(_entries.Count > 0);
        }
    }

    public ValueTask<FeedPosition> AppendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        ThrowIfUnavailable();
        lock (_lock)
        {
            var entry = Store(payload);
            _tail!.Append(new ReadOnlySpan<FeedEntry>(in entry));
            return new(new FeedPosition(Epoch, entry.Offset));
        }
    }

    public async ValueTask<FeedLogPage> ReadAsync(long after, int maxEntries, long maxBytes, CancellationToken cancellationToken)
    {
        if (after >= HungFrom)
        {
            HungCall.Wait(Eventually.Patience, cancellationToken);
            await HungTask.WaitAsync(cancellationToken);
        }
        await BeforeRead().WaitAsync(cancellationToken);
        ThrowIfUnavailable();
        lock (_lock)
        {
            Reads++;
            var entries = new List<FeedEntry>();
            foreach (var entry in _entries.Where(entry => entry.Offset > after).Take(maxEntries).TakeWhile(_ => maxBytes > 0))
            {
                var payload = entry.Payload.ToArray(); // as from a file
                Payloads.Enqueue(new WeakReference(payload));
                entries.Add(entry with { Payload = payload });
                maxBytes -= payload.Length;
            }
            return new FeedLogPage(Epoch, _trimmedThrough, entries);
        }
    }

    public ValueTask<bool> ReachAsync(FeedPosition position, CancellationToken cancellationToken) => new(OnReach());

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private FeedEntry Store(string message) => Store(System.Text.Encoding.ASCII.GetBytes($"\"{message}\""));

    private FeedEntry Store(ReadOnlyMemory<byte> payload)
    {
        var entry = new FeedEntry(Math.Max(Head, _end) + Step, payload, Time.GetUtcNow());
        _entries.Add(entry);
        return entry;
    }

    private void ThrowIfUnavailable()
    {
        if (IsUnavailable)
        {
            throw new FeedUnavailableException("The store is unavailable; password=hunter2.");
        }
    }
}
