using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Stores;

/// <summary>Reads a part of what is not in memory.</summary>
/// <returns>Null: memory may have the answer by now.</returns>
internal delegate Task<OlderPage?> ReadOlder(MemoryPage memory, OlderRead reader, TimeSpan timeout, CancellationToken cancellationToken);

/// <summary>Reads pages of the feeds of a RabbitMQ stream: from memory, and from the broker what is older.</summary>
/// <param name="view">What is in memory.</param>
/// <param name="readOlder">Reads what is older, a part at a time.</param>
/// <param name="timeout">How long a page may take.</param>
/// <param name="time">Measures that.</param>
internal sealed class FeedPages(RabbitMQStreamView view, ReadOlder readOlder, TimeSpan timeout, TimeProvider time)
{
    /// <summary>Reads a page. It may have fewer entries than there are; it has none only when there are none.</summary>
    /// <exception cref="FeedUnavailableException">
    /// The broker is unavailable, or nothing was found in time. Who comes again goes on where the search has got to.
    /// </exception>
    internal async Task<FeedLogPage> ReadAsync(
        string feed, long after, int maxEntries, long maxBytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var (epoch, trimmedThrough, from, begun) = (default(string), 0L, after, time.GetTimestamp());
        var entries = new List<FeedEntry>();
        while (true)
        {
            var searchedFrom = entries.Count == 0 ? from : after;
            var memory = view.Read(feed, after, maxEntries - entries.Count, searchedFrom);
            epoch ??= memory.Epoch;
            if (epoch != memory.Epoch)
            {
                return new FeedLogPage(epoch, long.MaxValue, []);
            }
            if (after < memory.TrimmedThrough)
            {
                if (entries.Count > 0)
                {
                    break; // what was removed meanwhile lies behind these, so the next page tells it
                }
                (after, trimmedThrough) = (memory.TrimmedThrough, memory.TrimmedThrough);
            }
            if (memory.Entries is not null)
            {
                foreach (var entry in memory.Entries.TakeWhile(_ => maxBytes > 0))
                {
                    entries.Add(entry);
                    maxBytes -= entry.Payload.Length;
                }
                break;
            }
            var left = timeout - time.GetElapsedTime(begun);
            if (entries.Count > 0 && left <= TimeSpan.Zero)
            {
                break;
            }
            var reader = new OlderRead(
                feed, epoch, memory.MissingAfter, memory.MissingThrough, maxEntries - entries.Count, maxBytes)
            {
                SearchedFrom = searchedFrom,
            };
            left = left > TimeSpan.Zero ? left : TimeSpan.Zero;
            if (await readOlder(memory, reader, left, cancellationToken) is not { } older)
            {
                continue;
            }
            if (entries.Count > 0 && older.TrimmedThrough > after)
            {
                break; // again the next page tells it
            }
            (after, trimmedThrough) = (older.Through, Math.Max(trimmedThrough, older.TrimmedThrough));
            entries.AddRange(older.Entries);
            maxBytes -= older.Entries.Sum(entry => (long)entry.Payload.Length);
            // What was found far back is given at once: the client is soon served, and resumes behind it if it leaves.
            if (entries.Count == maxEntries || maxBytes <= 0 || (entries.Count > 0 && !OlderEntries.IsNear(memory, after)))
            {
                break;
            }
        }
        return new FeedLogPage(epoch, trimmedThrough, entries);
    }
}
