namespace Comet.AspNetCore.Testing;

/// <summary>What a message of a stream is.</summary>
public enum CometMessageKind
{
    /// <summary>
    /// A value for the page: <see cref="CometMessage.Callback"/>, <see cref="CometMessage.Value"/>, <see cref="CometMessage.Id"/>.
    /// </summary>
    Message,

    /// <summary>
    /// The first message: <see cref="CometMessage.Id"/>, <see cref="CometMessage.Recovered"/>,
    /// <see cref="CometMessage.HeartbeatInterval"/>.
    /// </summary>
    Open,

    /// <summary>Nothing else was sent for a while. <see cref="CometMessage.Id"/>, when the position has moved without a message.</summary>
    Heartbeat,

    /// <summary>The client was too slow, and <see cref="CometMessage.Count"/> messages were left out.</summary>
    Skipped,

    /// <summary>The server ends the stream: <see cref="CometMessage.Reason"/>, <see cref="CometMessage.Retry"/>.</summary>
    End,
}
