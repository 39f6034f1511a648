namespace Comet.AspNetCore.Sqlite;

/// <summary>The work that waits for the writer. Callers are turned away when it is too much, as a disk may be too slow for them.</summary>
internal sealed class SqliteQueue
{
    /// <summary>
    /// When this many bytes wait, callers are turned away: what sixteen full transactions store, and a disk of 10 MB/s in seven seconds.
    /// </summary>
    internal const long MaxBytes = 64 * 1024 * 1024;

    // What a waiting task takes beside its payload: many small messages are as much memory as a few large ones.
    private const int Overhead = 512;

    private readonly object _lock = new(); // for Monitor.Wait, which does not spin
    private readonly Queue<SqliteWork> _work = new();
    private long _bytes;
    private bool _hasEnded;

    /// <summary>Whether it takes no more work.</summary>
    internal bool HasEnded
    {
        get
        {
            lock (_lock)
            {
                return _hasEnded;
            }
        }
    }

    /// <summary>Adds work for the next transaction.</summary>
    /// <param name="work">The work.</param>
    /// <param name="maxBytes">How much may wait before it.</param>
    /// <returns>False: more waits, or the queue has ended.</returns>
    internal bool TryAdd(SqliteWork work, long maxBytes = long.MaxValue)
    {
        lock (_lock)
        {
            if (_hasEnded || _bytes >= maxBytes)
            {
                return false;
            }
            _work.Enqueue(work);
            _bytes += Size(work);
            Monitor.Pulse(_lock);
            return true;
        }
    }

    /// <summary>Moves work into a batch until that is full, and waits for some. False: the queue has ended, and nothing is left.</summary>
    internal bool TryTake(SqliteBatch batch)
    {
        lock (_lock)
        {
            while (_work.Count == 0 && !_hasEnded)
            {
                Monitor.Wait(_lock);
            }
            while (!batch.IsFull && _work.TryDequeue(out var work))
            {
                batch.Add(work);
                _bytes -= Size(work);
            }
            return !batch.IsEmpty;
        }
    }

    /// <summary>Takes no more work. What waits is still done.</summary>
    internal void End()
    {
        lock (_lock)
        {
            _hasEnded = true;
            Monitor.Pulse(_lock);
        }
    }

    private static long Size(SqliteWork work) => work.Bytes + Overhead;
}
