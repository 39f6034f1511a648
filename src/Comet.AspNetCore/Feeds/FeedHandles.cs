using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Feeds;

/// <summary>Finds a feed that stays as long as the app.</summary>
internal sealed class SingletonFeedHandle(FeedRegistry registry, FeedName name, FeedOptions options) : IFeedHandle
{
    private readonly Lazy<FeedCore> _feed = new(() => registry.Acquire(name, options));

    public FeedName Name => name;

    public FeedOptions Options => options;

    public ConnectionServices Services => registry.Services;

    public ILogger Logger => registry.Logger;

    public FeedCore Acquire()
    {
        _feed.Value.TryAcquire();
        return _feed.Value;
    }
}

/// <summary>Finds a feed of a family, or begins it, at each use, as it disappears when it is not used.</summary>
internal sealed class KeyedFeedHandle(FeedRegistry registry, FeedName name, FeedOptions options) : IFeedHandle
{
    public FeedName Name => name;

    public FeedOptions Options => options;

    public ConnectionServices Services => registry.Services;

    public ILogger Logger => registry.Logger;

    public FeedCore Acquire() => registry.Acquire(name, options);
}
