namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>
/// How far the log was searched for single feeds, and nothing found. A client that gives up on a long search goes on there when it comes
/// again from the same offset, though the parts that were read are forgotten.
/// </summary>
internal sealed class Searches
{
    // Of a few hundred bytes each at most.
    private const int Max = 256;

    private readonly Dictionary<(string Feed, long From), long> _through = [];
    private readonly Queue<(string Feed, long From)> _order = new();

    internal void Clear()
    {
        _through.Clear();
        _order.Clear();
    }

    /// <summary>Records that a feed has no entries between two offsets.</summary>
    internal void Record(string feed, long from, long through)
    {
        if (through - from < LogPart.MaxMessages)
        {
            return; // that is soon read again
        }
        if (!_through.TryGetValue((feed, from), out var known))
        {
            if (_order.Count == Max)
            {
                _through.Remove(_order.Dequeue());
            }
            _order.Enqueue((feed, from));
        }
        _through[(feed, from)] = Math.Max(known, through);
    }

    /// <summary>The offset up to which the log was searched from another one; that one: it was not.</summary>
    internal long Reached(string feed, long from) => _through.GetValueOrDefault((feed, from), from);
}
