namespace Comet.AspNetCore.Feeds;

/// <summary>A feed that stays as long as the app.</summary>
internal sealed class LastingFeedSource(FeedRegistry registry, string name, FeedOptions options) : IFeedSource
{
    private readonly Lazy<FeedCore> _pinned = new(() => registry.Use(name, options));

    public FeedCore Use()
    {
        _pinned.Value.TryUse();
        return _pinned.Value;
    }
}

/// <summary>A feed of a family, which is begun anew after it disappeared.</summary>
internal sealed class PassingFeedSource(FeedRegistry registry, string name, FeedOptions options) : IFeedSource
{
    public FeedCore Use() => registry.Use(name, options);
}
