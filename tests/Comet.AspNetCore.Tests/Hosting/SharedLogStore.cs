using System.Collections.Concurrent;
using System.Text;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Tests.Hosting;

/// <summary>
/// A store whose feeds share one log, as those of a family do in RabbitMQ: one epoch, and offsets with holes. It counts readings.
/// </summary>
internal sealed class SharedLogStore : IFeedStore
{
    private const string Epoch = "shared";

    private readonly Lock _lock = new();
    private readonly List<(FeedName Feed, FeedEntry Entry)> _entries = [];

    /// <summary>The feeds of which a page was read, one after the other.</summary>
    internal ConcurrentQueue<string> Reads { get; } = new();

    public bool CanReadBack => true;

    /// <summary>Adds a message before its feed is opened.</summary>
    internal void Add(string feed, string text) => Add(FeedName.Parse(feed), Encoding.ASCII.GetBytes($"\"{text}\""));

    public ValueTask<IFeedLog> OpenAsync(FeedName feed, FeedRetention retention, IFeedTail tail, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            tail.Reset(Epoch, _entries.Count);
            return new(new Log(this, feed, tail));
        }
    }

    public ValueTask<bool> ExistsAsync(FeedName feed, FeedRetention retention, CancellationToken cancellationToken) =>
        new(Read(feed, 0, 1, 1).Count > 0);

    private FeedEntry Add(FeedName feed, ReadOnlyMemory<byte> payload)
    {
        lock (_lock)
        {
            var entry = new FeedEntry(_entries.Count + 1, payload, TimeProvider.System.GetUtcNow());
            _entries.Add((feed, entry));
            return entry;
        }
    }

    private List<FeedEntry> Read(FeedName feed, long after, int maxEntries, long maxBytes)
    {
        lock (_lock)
        {
            var entries = new List<FeedEntry>();
            foreach (var (_, entry) in _entries.Where(entry => entry.Feed == feed && entry.Entry.Offset > after))
            {
                if (entries.Count == maxEntries || entries.Sum(static read => (long)read.Payload.Length) >= maxBytes)
                {
                    break;
                }
                entries.Add(entry);
            }
            return entries;
        }
    }

    private sealed class Log(SharedLogStore store, FeedName feed, IFeedTail tail) : IFeedLog
    {
        public ValueTask<FeedPosition> AppendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
        {
            var entry = store.Add(feed, payload);
            tail.Append([entry]);
            return new(new FeedPosition(Epoch, entry.Offset));
        }

        public ValueTask<FeedLogPage> ReadAsync(long after, int maxEntries, long maxBytes, CancellationToken cancellationToken)
        {
            store.Reads.Enqueue(feed.ToString());
            return new(new FeedLogPage(Epoch, 0, store.Read(feed, after, maxEntries, maxBytes)));
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
