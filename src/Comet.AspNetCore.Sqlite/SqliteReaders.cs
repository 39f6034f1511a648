using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace Comet.AspNetCore.Sqlite;

/// <summary>A few connections that read. A caller waits while all of them are in use.</summary>
internal sealed class SqliteReaders(string connectionString) : IDisposable
{
    // Each occupies a thread of the thread pool while it reads; most threads must stay free.
    private static readonly int MaxReaders = Math.Clamp(Environment.ProcessorCount / 2, 1, 4);

    private readonly SemaphoreSlim _free = new(MaxReaders);
    private readonly ConcurrentBag<SqliteReader> _readers = [];
    private volatile bool _isClosed;

    internal async ValueTask<T> ReadAsync<T>(Func<SqliteReader, T> read, CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken);
        SqliteReader? reader = null;
        try
        {
            reader = _readers.TryTake(out var idle) ? idle : new SqliteReader(new SqliteConnection(connectionString));
            var result = read(reader);
            _readers.Add(reader);
            reader = null;
            return result;
        }
        finally
        {
            reader?.Dispose(); // it failed
            _free.Release();
            if (_isClosed)
            {
                Dispose();
            }
        }
    }

    /// <summary>Waits until nobody reads, and keeps readers waiting until the result is disposed.</summary>
    internal IDisposable Suspend()
    {
        for (var taken = 0; taken < MaxReaders; taken++)
        {
            _free.Wait();
        }
        return new Resumption(_free);
    }

    public void Dispose()
    {
        _isClosed = true;
        while (_readers.TryTake(out var reader))
        {
            reader.Dispose();
        }
    }

    private sealed class Resumption(SemaphoreSlim free) : IDisposable
    {
        public void Dispose() => free.Release(MaxReaders);
    }
}
