namespace Comet.AspNetCore.Feeds;

/// <summary>A feed that stays as long as the app.</summary>
internal sealed class SingletonFeedHandle(FeedRegistry registry, string name, FeedOptions options) : IFeedHandle
{
    private readonly Lazy<FeedCore> _pinned = new(() => registry.Acquire(name, options));

    public FeedCore Acquire()
    {
        _pinned.Value.TryAcquire();
        return _pinned.Value;
    }
}

/// <summary>A feed of a family, which is begun anew after it disappeared.</summary>
internal sealed class KeyedFeedHandle(FeedRegistry registry, string name, FeedOptions options) : IFeedHandle
{
    public FeedCore Acquire() => registry.Acquire(name, options);
}
