using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Feeds;

/// <summary>A feed that stays as long as the app.</summary>
internal sealed class SingletonFeedHandle(FeedRegistry registry, FeedName name, FeedOptions options) : IFeedHandle
{
    private readonly Lazy<FeedCore> _feed = new(() => registry.Acquire(name, options));

    public FeedCore Acquire()
    {
        _feed.Value.TryAcquire();
        return _feed.Value;
    }
}

/// <summary>A feed of a family: found, or begun, at each use, as it disappears when nothing uses it.</summary>
internal sealed class KeyedFeedHandle(FeedRegistry registry, FeedName name, FeedOptions options) : IFeedHandle
{
    public FeedCore Acquire() => registry.Acquire(name, options);
}
