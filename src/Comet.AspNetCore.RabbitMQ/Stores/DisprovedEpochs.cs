namespace Comet.AspNetCore.RabbitMQ.Stores;

/// <summary>
/// Epochs of which a marker has shown that they are not current, the newest that were asked about. None of them can become current later:
/// an epoch never returns, and nobody can know one before it has begun.
/// </summary>
internal sealed class DisprovedEpochs
{
    // Of some hundred bytes each.
    internal const int Max = 256;

    private readonly Lock _lock = new();
    private readonly HashSet<string> _epochs = [];
    private readonly Queue<string> _order = new();

    internal bool Contains(string epoch)
    {
        lock (_lock)
        {
            return _epochs.Contains(epoch);
        }
    }

    internal void Add(string epoch)
    {
        lock (_lock)
        {
            if (!_epochs.Add(epoch))
            {
                return;
            }
            if (_order.Count == Max)
            {
                _epochs.Remove(_order.Dequeue());
            }
            _order.Enqueue(epoch);
        }
    }
}
