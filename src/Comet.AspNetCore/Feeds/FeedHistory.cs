using System.Diagnostics;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// What all readers share that catch up through a store, whatever their feeds: a limited number of places to encode at, and the pages that
/// were just read. So thousands that come back at once read a page together, and hold little at any time.
/// </summary>
internal sealed class FeedHistory
{
    private const int MaxEntries = 256;
    private const int MaxPageBytes = 256 * 1024; // a page ends with the entry that exceeds this
    private const int Places = 32;

    private const int MaxKeptPages = 64;
    private const long MaxKeptBytes = 4 * 1024 * 1024;

    // Retention by age is applied as often, so no entry outlives it by more.
    private static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _places = new(Places);
    private readonly Lock _lock = new();
    private readonly List<Reading> _readings = []; // under way or kept, oldest first
    private int _users;

    /// <summary>Begins to catch up.</summary>
    internal void Enter() => Interlocked.Increment(ref _users);

    /// <summary>Ends to catch up; the last one leaves no page behind.</summary>
    internal void Leave()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            lock (_lock)
            {
                _readings.RemoveAll(static reading => reading.Page is not null);
            }
        }
    }

    /// <summary>Waits for a place, which is taken until <see cref="Free"/>. Whoever waits for a client has none.</summary>
    internal Task TakePlaceAsync(CancellationToken cancellationToken) => _places.WaitAsync(cancellationToken);

    internal void Free() => _places.Release();

    /// <summary>Reads a page that has what follows a position, and may have what precedes it.</summary>
    /// <exception cref="FeedUnavailableException">The store is unavailable.</exception>
    internal async ValueTask<FeedLogPage> ReadAsync(IFeedLog log, FeedPosition after, CancellationToken cancellationToken)
    {
        for (var isFirst = true; ; isFirst = false)
        {
            var (reading, isOwn) = FindOrBegin(log, after);
            var page = reading.Page ?? await WaitAsync(reading, cancellationToken);
            // A page that was begun before the caller has asked does not tell that nothing has come since.
            if (page.Entries.Count > 0 || isOwn || !isFirst)
            {
                return page;
            }
        }
    }

    private (Reading Reading, bool IsOwn) FindOrBegin(IFeedLog log, FeedPosition after)
    {
        lock (_lock)
        {
            _readings.RemoveAll(static reading => reading.Page is not null && reading.Age > KeptFor);
            var reading = _readings.Find(reading => reading.Has(log, after));
            var isOwn = reading is null;
            if (reading is null)
            {
                reading = new Reading(log, after);
                _readings.Add(reading);
                reading.Task = ReadAsync(reading);
            }
            reading.Waiters++;
            return (reading, isOwn);
        }
    }

    private async ValueTask<FeedLogPage> WaitAsync(Reading reading, CancellationToken cancellationToken)
    {
        try
        {
            return await reading.Task.WaitAsync(cancellationToken);
        }
        finally
        {
            lock (_lock)
            {
                if (--reading.Waiters == 0 && !reading.Task.IsCompleted)
                {
                    _readings.Remove(reading);
                    reading.Cancel();
                }
            }
        }
    }

    private async Task<FeedLogPage> ReadAsync(Reading reading)
    {
        await Task.Yield(); // away from the lock
        FeedLogPage? page = null;
        try
        {
            page = await reading.Log.ReadAsync(reading.After.Offset, MaxEntries, MaxPageBytes, reading.Cancellation);
            return page;
        }
        finally
        {
            lock (_lock)
            {
                if (page is null or { Entries.Count: 0 })
                {
                    _readings.Remove(reading);
                }
                else
                {
                    reading.Keep(page);
                    Shrink();
                }
            }
        }
    }

    private void Shrink()
    {
        var kept = _readings.FindAll(static reading => reading.Page is not null);
        var bytes = kept.Sum(static reading => reading.Bytes);
        for (var i = 0; bytes > MaxKeptBytes || kept.Count - i > MaxKeptPages; i++)
        {
            bytes -= kept[i].Bytes;
            _readings.Remove(kept[i]);
        }
    }

    private sealed class Reading(IFeedLog log, FeedPosition after)
    {
        private readonly CancellationTokenSource _cancellation = new();
        private long _readAt;

        internal IFeedLog Log => log;

        internal FeedPosition After => after;

        internal Task<FeedLogPage> Task { get; set; } = null!;

        internal int Waiters { get; set; }

        internal FeedLogPage? Page { get; private set; }

        internal long Bytes { get; private set; }

        internal TimeSpan Age => Stopwatch.GetElapsedTime(_readAt);

        internal CancellationToken Cancellation => _cancellation.Token;

        internal bool Has(IFeedLog asked, FeedPosition position) => log == asked && (after == position || (Page is { } page &&
            page.Epoch == position.Epoch && after.Offset <= position.Offset && position.Offset < page.Entries[^1].Offset));

        internal void Keep(FeedLogPage page)
        {
            (Page, _readAt) = (page, Stopwatch.GetTimestamp());
            Bytes = page.Entries.Sum(static entry => (long)entry.Payload.Length);
        }

        internal void Cancel() => _cancellation.Cancel();
    }
}
