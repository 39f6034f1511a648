namespace Comet.AspNetCore.Sqlite;

/// <summary>The work that waits for the writer.</summary>
internal sealed class SqliteQueue
{
    private readonly object _lock = new(); // for Monitor.Wait, which does not spin
    private readonly Queue<SqliteWork> _work = new();
    private bool _hasEnded;

    /// <summary>Adds work for the next transaction. False: the queue has ended.</summary>
    internal bool TryAdd(SqliteWork work)
    {
        lock (_lock)
        {
            if (!_hasEnded)
            {
                _work.Enqueue(work);
                Monitor.Pulse(_lock);
            }
            return !_hasEnded;
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
}
