using Comet.AspNetCore.Connections;

namespace Comet.AspNetCore.Feeds;

/// <summary>The feeds of a stream, in their order. Sets of the same feeds are equal.</summary>
internal sealed class FeedSet(FeedCore[] feeds) : IEquatable<FeedSet>
{
    internal ReadOnlySpan<FeedCore> Feeds => feeds;

    /// <summary>What every stream uses.</summary>
    internal ConnectionServices Services => feeds[0].Services;

    /// <summary>What metrics call the stream's feeds.</summary>
    internal string Label => feeds[0].Family;

    /// <summary>Gives the feeds back, which stayed for this stream.</summary>
    internal void Release()
    {
        foreach (var feed in feeds)
        {
            feed.Release();
        }
    }

    public bool Equals(FeedSet? other) => other is not null && feeds.AsSpan().SequenceEqual(other.Feeds);

    public override bool Equals(object? obj) => Equals(obj as FeedSet);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var feed in feeds)
        {
            hash.Add(feed.Name);
        }
        return hash.ToHashCode();
    }
}
