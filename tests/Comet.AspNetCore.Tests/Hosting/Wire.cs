namespace Comet.AspNetCore.Tests.Hosting;

/// <summary>What lies between a stream and its client.</summary>
internal enum Wire
{
    /// <summary>HTTP/1.1, written to the socket by the library itself. The stream of a feed leaves the server.</summary>
    Direct,

    /// <summary>The same, and no stream leaves the server, as on macOS.</summary>
    Attached,

    /// <summary>HTTP/1.1 through Kestrel's response pipeline.</summary>
    Portable,

    /// <summary>HTTP/1.0, as nginx speaks it unless told otherwise: no chunks, and the end of the connection ends the stream.</summary>
    Http10,

    /// <summary>HTTP/1.1 over TLS.</summary>
    Tls,

    /// <summary>HTTP/2 over TLS.</summary>
    Http2,
}
