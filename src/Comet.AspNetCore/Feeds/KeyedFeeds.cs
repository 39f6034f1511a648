using System.Text.Json;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore;

/// <summary>
/// A family of feeds, one per key: per user, per room, per order. A feed begins at its first use. With a store it is in memory while it is
/// used, and for seconds after; without one it disappears when it has no readers and its retention has passed. A key that was completed
/// stays so for as long as its last entry is retained; after that it begins anew. Safe for concurrent use.
/// </summary>
/// <typeparam name="T">What is published.</typeparam>
public sealed class KeyedFeeds<T>
{
    private readonly FeedRegistry _registry;
    private readonly FeedOptions _options;
    private readonly JsonSerializerOptions _json;

    internal KeyedFeeds(string name, FeedRegistry registry, FeedOptions options, JsonSerializerOptions json) =>
        (Name, _registry, _options, _json) = (name, registry, options, json);

    /// <summary>The name it was registered with.</summary>
    public string Name { get; }

    /// <summary>The feed of a key. Costs next to nothing; there is no need to keep it.</summary>
    /// <param name="key">1 to 200 characters (<see cref="FeedName.MaxKeyLength"/>), none of them a control character.</param>
    /// <exception cref="ArgumentException">The key is empty, too long, or has control characters.</exception>
    public Feed<T> Get(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        var name = new FeedName(Name, key);
        return new Feed<T>(name, HandleOf(name), _json);
    }

    /// <summary>
    /// The feed of a key that is there already: it has messages that are retained, or is completed. For keys that visitors name: one that
    /// nobody has published to is not there, whoever asks for it or follows it, and begins no feed, in the store either.
    /// </summary>
    /// <param name="key">1 to 200 characters (<see cref="FeedName.MaxKeyLength"/>), none of them a control character.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The same as <see cref="Get"/>; null: there is none.</returns>
    /// <exception cref="ArgumentException">The key is empty, too long, or has control characters.</exception>
    /// <exception cref="FeedUnavailableException">The store is unavailable, so it is not known.</exception>
    /// <exception cref="ObjectDisposedException">The app has ended.</exception>
    public async ValueTask<Feed<T>?> FindAsync(string key, CancellationToken cancellationToken = default)
    {
        var feed = Get(key);
        return await _registry.ExistsAsync(new FeedName(Name, key), _options, cancellationToken) ? feed : null;
    }

    /// <summary>
    /// The keys that a visitor may follow, for <see cref="CometResults.Feeds"/>: the request names those that it wants,
    /// <c>?feed=rooms/42&amp;feed=rooms/43</c>.
    /// </summary>
    /// <param name="mayRead">
    /// Whether this visitor may read the feed of a key; asked once for each key of a request, which may be any text that a key can be.
    /// </param>
    /// <returns>The keys, for one response.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="mayRead"/> is null.</exception>
    public FeedChoice Where(Func<string, bool> mayRead)
    {
        ArgumentNullException.ThrowIfNull(mayRead);
        return Where((key, _) => new ValueTask<bool>(mayRead(key)));
    }

    /// <inheritdoc cref="Where(Func{string, bool})"/>
    /// <param name="mayRead">
    /// Whether this visitor may read the feed of a key, for what asks a database; asked for one key of a request after the other, with a
    /// token that is cancelled when the client goes away. A key may be any text that a key can be, and a request may have 1,000.
    /// </param>
    public FeedChoice Where(Func<string, CancellationToken, ValueTask<bool>> mayRead)
    {
        ArgumentNullException.ThrowIfNull(mayRead);
        return new FamilyChoice(Name, HandleOf, mayRead, _options.AuthorizationPolicy);
    }

    private KeyedFeedHandle HandleOf(FeedName name) => new(_registry, name, _options);
}
