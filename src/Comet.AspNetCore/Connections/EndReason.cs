using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Connections;

/// <summary>Why a stream ended: the name on the wire and in metrics, and whether its client is told to come back.</summary>
internal sealed class EndReason
{
    /// <summary>The sequence has no more elements, or all feeds of the stream are completed.</summary>
    internal static readonly EndReason Completed = new(ControlMessage.Completed, comesBack: false);

    /// <summary>The client asked for an answer that ends, and has what there was.</summary>
    internal static readonly EndReason Polled = new("polled", comesBack: true);

    /// <summary>The sequence has thrown, the store is unavailable, or a write has failed otherwise than by the client's leaving.</summary>
    internal static readonly EndReason Error = new("error", comesBack: true);

    /// <summary>The sequence has a value that cannot be written, and had it at the same place before.</summary>
    internal static readonly EndReason ErrorForGood = new("error", comesBack: false);

    /// <summary>The server stops, and ends all streams at once.</summary>
    internal static readonly EndReason ShuttingDown = new("shutting-down", comesBack: true);

    /// <summary>The server stops, and ends its streams one by one.</summary>
    internal static readonly EndReason Draining = new("draining", comesBack: true);

    /// <summary>The client takes nothing, or messages were trimmed before it took them.</summary>
    internal static readonly EndReason TooSlow = new("too-slow", comesBack: true);

    /// <summary>The user's sign-in has expired. The client comes back: it may have signed in again, and is rejected otherwise.</summary>
    internal static readonly EndReason AuthenticationExpired = new("authentication-expired", comesBack: true);

    /// <summary>The stream is as old or as long as a stream may be.</summary>
    internal static readonly EndReason Recycled = new("recycled", comesBack: true);

    /// <summary>The user may not read this feed of the stream.</summary>
    internal static readonly EndReason NotAllowed = new("not-allowed", comesBack: false);

    /// <summary>The store of this feed of the stream is unavailable. The stream ends soon, and has the feed when it comes again.</summary>
    internal static readonly EndReason Unavailable = new("unavailable", comesBack: true);

    /// <summary>The request gets no stream now, and is told so in one, as its client would never come back after a status.</summary>
    internal static readonly EndReason Rejected = new("rejected", comesBack: true);

    /// <summary>The client has closed the connection, or lost it. It is never told.</summary>
    internal static readonly EndReason ClientDisconnected = new("client-disconnected", comesBack: false);

    private EndReason(string name, bool comesBack) => (Name, ComesBack) = (name, comesBack);

    internal string Name { get; }

    internal bool ComesBack { get; }

    public override string ToString() => Name;
}
