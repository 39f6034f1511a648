namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>
/// The offset of each feed's newest entry in a part of a RabbitMQ stream that is no longer in memory. A client of a quiet feed that was
/// away is answered from this, without a reading.
/// </summary>
internal sealed class NewestOffsets(int maxFeeds)
{
    private readonly Dictionary<string, LinkedListNode<(string Feed, long Offset)>> _feeds = [];
    private readonly LinkedList<(string Feed, long Offset)> _byOffset = new(); // rising

    /// <summary>Where the part begins: a feed that is not here has no entry above this offset in it.</summary>
    internal long From { get; private set; }

    internal void Clear(long from)
    {
        _feeds.Clear();
        _byOffset.Clear();
        From = from;
    }

    /// <summary>The offset of a feed's newest entry; 0: it has none.</summary>
    internal long Of(string feed) => _feeds.TryGetValue(feed, out var node) ? node.Value.Offset : 0;

    /// <summary>Adds an entry above all that are here.</summary>
    internal void Add(string feed, long offset)
    {
        if (_feeds.Remove(feed, out var node))
        {
            _byOffset.Remove(node);
        }
        _feeds.Add(feed, _byOffset.AddLast((feed, offset)));
        Trim();
    }

    /// <summary>Adds the part that ends where this one begins.</summary>
    internal void AddOlder(NewestOffsets older)
    {
        From = older.From;
        for (var node = older._byOffset.Last; node is not null; node = node.Previous)
        {
            if (!_feeds.ContainsKey(node.Value.Feed))
            {
                _feeds.Add(node.Value.Feed, _byOffset.AddFirst(node.Value));
            }
        }
        Trim();
    }

    private void Trim()
    {
        while (_feeds.Count > maxFeeds)
        {
            From = _byOffset.First!.Value.Offset;
            _feeds.Remove(_byOffset.First.Value.Feed);
            _byOffset.RemoveFirst();
        }
    }
}
