namespace Comet.AspNetCore.Transport;

/// <summary>A stream that goes on after its request has ended.</summary>
internal interface IDetachableStream
{
    /// <summary>The server has given the connection up, and it is the stream's now.</summary>
    void OnDetached(DetachedSocket socket);

    /// <summary>The connection was closed. Called once or more, by any thread.</summary>
    void OnDisconnected();
}
