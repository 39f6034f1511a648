using System.Diagnostics.CodeAnalysis;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Stores;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Comet.AspNetCore.Results;

/// <summary>
/// Which of an action's feeds a request gets: those that it names, <c>?feed=announcements&amp;feed=k3j9-41@rooms/42</c>, in its URL or in
/// the form that it posts; without a name all that have one by themselves.
/// </summary>
internal sealed class FeedSelection(HttpContext context)
{
    private const int MaxFeeds = 1000;
    private const int MaxFeedsOfBrowser = 100; // each message of an EventSource has a position in all of them
    private const int MaxBody = 1024 * 1024;

    private FeedAuthorization? _authorization; // made for the first policy
    private readonly List<Selected> _feeds = [];

    /// <summary>A feed that was asked for.</summary>
    /// <param name="Handle">Where it is found.</param>
    /// <param name="After">Where it starts; null: where the stream's position says, or with the next message.</param>
    internal readonly record struct Selected(IFeedHandle Handle, FeedPosition? After);

    internal IReadOnlyList<Selected> Feeds => _feeds;

    /// <summary>The feeds that were asked for, and that the user may not read.</summary>
    internal List<FeedName> NotAllowed { get; } = [];

    /// <summary>The feeds that were asked for, and whose stores are unavailable.</summary>
    internal List<FeedName> Unavailable { get; } = [];

    /// <summary>Leaves out a feed for now.</summary>
    internal void LeaveOut(int index)
    {
        Unavailable.Add(_feeds[index].Handle.Name);
        _feeds.RemoveAt(index);
    }

    /// <summary>Whether a policy may find another user, as it has a scheme of its own.</summary>
    internal async ValueTask<bool> MayFindUserAsync(FeedChoice[] choices)
    {
        foreach (var policy in choices.Select(static choice => choice.Policy).OfType<string>().Distinct())
        {
            if (await FeedAuthorization.HasSchemeAsync(context, policy))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Settles which feeds a request gets.</summary>
    /// <returns>Why it gets none; null: it has at least one.</returns>
    internal async ValueTask<Rejection?> ReadAsync(FeedChoice[] choices, bool areNamed)
    {
        var rejection = await (areNamed ? ReadNamedAsync(choices) : AddAsync(choices[0].Default!, after: null));
        _authorization?.SetUser();
        _feeds.Sort(static (left, right) => string.CompareOrdinal(left.Handle.Name.ToString(), right.Handle.Name.ToString()));
        return rejection;
    }

    private async ValueTask<Rejection?> ReadNamedAsync(FeedChoice[] choices)
    {
        var (names, badBody) = await ReadNamesAsync();
        if (badBody is not null)
        {
            return badBody;
        }
        var format = FormatNegotiation.Preferred(context.Request);
        var count = names.Count > 0 ? names.Count : choices.Length;
        if (count > MaxFeeds || (count > MaxFeedsOfBrowser && format is not Formats.NdjsonFormat))
        {
            return Rejection.TooManyFeeds;
        }
        return await (names.Count > 0 ? AddNamedAsync(choices, names) : AddAllAsync(choices));
    }

    private async ValueTask<(StringValues Names, Rejection? BadBody)> ReadNamesAsync()
    {
        var names = context.Request.Query["feed"];
        if (!HttpMethods.IsPost(context.Request.Method) || context.Request.ContentType is not { } type)
        {
            return (names, null);
        }
        if (!MediaTypeHeaderValue.TryParse(type, out var media) ||
            !media.MediaType.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) ||
            !(media.Charset.Length == 0 || HeaderUtilities.RemoveQuotes(media.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase)))
        {
            return (names, Rejection.BadForm with { Status = StatusCodes.Status415UnsupportedMediaType });
        }
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = Math.Min(size.MaxRequestBodySize ?? MaxBody, MaxBody);
        }
        try
        {
            var form = await context.Request.ReadFormAsync(context.RequestAborted);
            context.Features.Set<IFormFeature>(null); // which would keep all names for as long as the stream is open
            return (StringValues.Concat(names, form["feed"]), null);
        }
        catch (BadHttpRequestException exception)
        {
            return (names, Rejection.BadForm with { Status = exception.StatusCode });
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException)
        {
            return (names, Rejection.BadForm);
        }
    }

    private async ValueTask<Rejection?> AddAllAsync(FeedChoice[] choices)
    {
        Rejection? notAllowed = null;
        foreach (var choice in choices)
        {
            if (choice.Default is { } handle)
            {
                notAllowed = await AddAsync(handle, after: null) ?? notAllowed;
            }
        }
        return _feeds.Count > 0 ? null : notAllowed ?? Rejection.NoFeed;
    }

    private async ValueTask<Rejection?> AddNamedAsync(FeedChoice[] choices, StringValues texts)
    {
        Rejection? notAllowed = null;
        var names = new HashSet<FeedName>();
        foreach (var text in texts)
        {
            if (!TryParse(text!, out var name, out var after) ||
                !names.Add(name) ||
                Array.FindAll(choices, choice => choice.Has(name)) is not { Length: > 0 } offers)
            {
                return Rejection.UnknownFeed;
            }
            if (await FindAsync(offers, name) is { } handle)
            {
                notAllowed = await AddAsync(handle, after) ?? notAllowed;
            }
            else
            {
                NotAllowed.Add(name);
                notAllowed ??= Rejection.NotAllowed;
            }
        }
        return _feeds.Count > 0 ? null : notAllowed;
    }

    private async ValueTask<IFeedHandle?> FindAsync(FeedChoice[] offers, FeedName name)
    {
        foreach (var choice in offers)
        {
            if (await choice.FindAsync(name, context.RequestAborted) is { } handle)
            {
                return handle;
            }
        }
        return null;
    }

    private async ValueTask<Rejection?> AddAsync(IFeedHandle handle, FeedPosition? after)
    {
        if (handle.Options.AuthorizationPolicy is { } policy &&
            await (_authorization ??= new(context)).AuthorizeAsync(policy, handle.Name) is { } rejection)
        {
            NotAllowed.Add(handle.Name);
            return rejection;
        }
        _feeds.Add(new Selected(handle, after));
        return null;
    }

    // A registration's name has no @, so one before the slash ends a position.
    private static bool TryParse(string text, [NotNullWhen(true)] out FeedName? name, out FeedPosition? after)
    {
        (name, after) = (null, null);
        var at = text.IndexOf('@', StringComparison.Ordinal);
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (at >= 0 && (slash < 0 || at < slash))
        {
            if (!FeedPosition.TryParse(text[..at], out var position))
            {
                return false;
            }
            (after, text) = (position, text[(at + 1)..]);
        }
        return FeedName.TryParse(text, out name);
    }
}
