using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Connections;

/// <summary>What an action asks for and a request may refine.</summary>
/// <param name="Callback">The function to call, checked.</param>
/// <param name="Options">What this stream does differently.</param>
/// <param name="ScriptOnly">The values exist as JavaScript only.</param>
/// <param name="Start">Where the client wants to start; null: with the next message.</param>
/// <param name="IsStartOfUrl">Whether that is in the URL, as old as what this says of single feeds; a header is newer.</param>
/// <param name="Past">Where in the retained past a client wants to start that has no position.</param>
/// <param name="Wait">How long the client waits for the first message, after which the stream ends; null: it goes on.</param>
/// <param name="End">Where nothing follows, so that a client that has come to it gets no stream.</param>
/// <param name="MayDetach">Whether the stream can go on after the request has ended.</param>
internal sealed record ConnectionRequest(
    string Callback,
    CometStreamOptions? Options,
    bool ScriptOnly = false,
    StreamPosition? Start = null,
    bool IsStartOfUrl = false,
    FeedStart Past = default,
    TimeSpan? Wait = null,
    FeedPosition? End = null,
    bool MayDetach = false);
