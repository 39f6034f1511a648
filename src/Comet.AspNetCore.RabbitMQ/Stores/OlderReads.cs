using Comet.AspNetCore.RabbitMQ.Following;

namespace Comet.AspNetCore.RabbitMQ.Stores;

/// <summary>
/// Reads what is no longer in memory of a RabbitMQ stream, one part after another. All who wait for the same part share one scan, and what
/// a scan has found may serve those who come after it without another.
/// </summary>
/// <param name="view">What is in memory.</param>
/// <param name="read">Reads what a scan needs. Returns whether it was read to its end.</param>
internal sealed class OlderReads(RabbitMQStreamView view, Func<LogScan, Task<bool>> read)
{
    private readonly Lock _lock = new();
    private readonly List<OlderRead> _waiting = [];
    private bool _isReading;

    /// <summary>Reads a part that a reader needs.</summary>
    internal void Add(OlderRead reader)
    {
        lock (_lock)
        {
            _waiting.Add(reader);
            if (_isReading)
            {
                return;
            }
            _isReading = true;
        }
        _ = Task.Run(ReadAllAsync);
    }

    private async Task ReadAllAsync()
    {
        while (Next() is { } readers)
        {
            try
            {
                var scan = new LogScan(readers, view.RecentBytes);
                if (await read(scan))
                {
                    view.AddOlder(scan.Epoch, scan.Found, scan.Through, scan.TrimmedThrough); // first, so that those who go on find it
                    scan.Complete();
                }
            }
            catch (Exception exception)
            {
                readers.ForEach(reader => reader.Fail(exception));
            }
        }
    }

    // The readers of the next scan: the one who waits longest, and all whose parts overlap. Null: nobody waits.
    private List<OlderRead>? Next()
    {
        lock (_lock)
        {
            _waiting.RemoveAll(reader => reader.IsDone || !IsStillNeeded(reader));
            if (_waiting.Count == 0)
            {
                _isReading = false;
                return null;
            }
            var (epoch, after, through) = (_waiting[0].Epoch, _waiting[0].After, _waiting[0].Through);
            var readers = new List<OlderRead>();
            foreach (var reader in _waiting.OrderBy(reader => reader.After))
            {
                if (reader.Epoch == epoch && reader.After <= through && reader.Through >= after)
                {
                    through = Math.Max(through, reader.Through);
                    readers.Add(reader);
                }
            }
            _waiting.RemoveAll(readers.ToHashSet().Contains);
            return readers;
        }
    }

    // What was read since it began to wait may have answered it.
    private bool IsStillNeeded(OlderRead reader)
    {
        if (view.IsInMemory(reader.Feed, reader.Epoch, reader.After, out var through))
        {
            reader.Return();
            return false;
        }
        reader.Through = through;
        return true;
    }
}
