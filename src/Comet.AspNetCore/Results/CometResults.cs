using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Results;

namespace Comet.AspNetCore;

/// <summary>
/// Creates Comet streams: responses that call a JavaScript function of the page for every element. The same stream is server-sent events
/// or NDJSON for clients whose <c>Accept</c> prefers those.
/// </summary>
public static class CometResults
{
    /// <summary>Calls <paramref name="callback"/> with each string.</summary>
    /// <param name="source">Enumerated once per request; its token is cancelled when the client goes away or the stream ends.</param>
    /// <param name="callback">
    /// A dotted path of JavaScript identifiers of at most 128 characters, seen from the frame: <c>parent.clockChanged</c>.
    /// </param>
    /// <param name="options">What this stream does differently, or null.</param>
    /// <returns>The stream, for one response or, when the source can be enumerated more than once, for many.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="source"/> or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ArgumentException">
    /// <paramref name="callback"/> is no dotted path of identifiers, or longer than 128 characters.
    /// </exception>
    public static CometResult String(IAsyncEnumerable<string> source, string callback, CometStreamOptions? options = null) =>
        new SequenceResult<string>(source, CallbackName.Check(callback), options, static _ => SafeJson.Write);

    /// <summary>
    /// Calls <paramref name="callback"/> with each value, as <c>JSON.parse</c> would give it for the value's JSON by
    /// <see cref="CometStreamOptions.SerializerOptions"/>, else by the app's JSON options: MVC's for an action, those of minimal APIs
    /// otherwise. A value of a type derived from <typeparamref name="T"/> is written with all that it has, unless T has a converter or
    /// names its derived types (<c>[JsonDerivedType]</c>). A value that they cannot write ends the stream with the reason <c>error</c>,
    /// and for good when it is at the same place the next time.
    /// </summary>
    /// <typeparam name="T">What is sent.</typeparam>
    /// <inheritdoc cref="String"/>
    public static CometResult Json<T>(IAsyncEnumerable<T> source, string callback, CometStreamOptions? options = null) =>
        new SequenceResult<T>(
            source, CallbackName.Check(callback), options, static json => (value, output) => SafeJson.Write(value, json, output));

    /// <summary>
    /// Calls <paramref name="callback"/> with each JavaScript expression, written as it is. The expressions are code: never build one from
    /// user input. One that contains <c>&lt;/script</c>, <c>&lt;script</c> or <c>&lt;!--</c> ends the stream with an error.
    /// </summary>
    /// <param name="expressions">UTF-8 JavaScript expressions, enumerated once per request. Their only format is script tags.</param>
    /// <param name="callback">A dotted path of JavaScript identifiers of at most 128 characters, seen from the frame.</param>
    /// <param name="options">What this stream does differently, or null.</param>
    /// <returns>The stream.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="expressions"/> or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ArgumentException">
    /// <paramref name="callback"/> is no dotted path of identifiers, or longer than 128 characters.
    /// </exception>
    public static CometResult Raw(
        IAsyncEnumerable<ReadOnlyMemory<byte>> expressions, string callback, CometStreamOptions? options = null) =>
        new SequenceResult<ReadOnlyMemory<byte>>(
            expressions, CallbackName.Check(callback), options, static _ => RawExpression.Write, scriptOnly: true);

    /// <summary>
    /// Calls <paramref name="callback"/> with each message of the feed and its id. Resumes after the id in <c>Last-Event-ID</c> or
    /// <c>?lastEventId=</c>; without one it starts with the next message.
    /// </summary>
    /// <typeparam name="T">What the feed publishes.</typeparam>
    /// <param name="feed">What to follow.</param>
    /// <param name="callback">A dotted path of JavaScript identifiers of at most 128 characters, seen from the frame.</param>
    /// <param name="options">What this stream does differently, or null.</param>
    /// <returns>The stream, for any number of responses.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="feed"/> or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ArgumentException">
    /// <paramref name="callback"/> is no dotted path of identifiers, or longer than 128 characters.
    /// </exception>
    public static CometResult Feed<T>(Feed<T> feed, string callback, CometStreamOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(feed);
        return new FeedResult([feed], areNamed: false, CallbackName.Check(callback), options);
    }

    /// <summary>
    /// Calls <paramref name="callback"/> with each message of several feeds, its id, and the name of its feed: one connection for all of
    /// them. A request may choose, by <c>?feed=</c> and a name, once for each; more than fit a URL come in a form that it posts, to an
    /// endpoint that takes POST as well. Each feed resumes after the position that the request has for it.
    /// </summary>
    /// <param name="feeds">
    /// What the request may choose from: feeds, and keys of families. A request that names none gets all that are no family. Those that the
    /// user may not read are left out, and the stream says so.
    /// </param>
    /// <param name="callback">A dotted path of JavaScript identifiers of at most 128 characters, seen from the frame.</param>
    /// <param name="options">What this stream does differently, or null.</param>
    /// <returns>The stream, for any number of responses.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="feeds"/>, one of them or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ArgumentException">
    /// There is no feed, or one is there twice; <paramref name="callback"/> is no dotted path of identifiers, or longer than 128
    /// characters.
    /// </exception>
    public static CometResult Feeds(IEnumerable<FeedChoice> feeds, string callback, CometStreamOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(feeds);
        var choices = feeds.ToArray();
        foreach (var choice in choices)
        {
            ArgumentNullException.ThrowIfNull(choice, nameof(feeds));
        }
        if (choices.Length == 0 ||
            choices.DistinctBy(static choice => choice.Default?.Name.ToString() ?? $"{choice.Family}/").Count() < choices.Length)
        {
            throw new ArgumentException("A stream needs at least one feed, and none of them twice.", nameof(feeds));
        }
        return new FeedResult(choices, areNamed: true, CallbackName.Check(callback), options);
    }
}
