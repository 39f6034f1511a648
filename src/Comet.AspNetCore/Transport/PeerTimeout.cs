using System.Net.Sockets;

namespace Comet.AspNetCore.Transport;

/// <summary>
/// How long a peer may leave unanswered what is sent to it. After that the system ends the connection; by itself it would go on for a
/// quarter of an hour. It lies below TLS and HTTP/2, so it is for all connections.
/// </summary>
internal sealed class PeerTimeout(CometOptions options)
{
    private const int Heartbeats = 3;
    private const int TcpUserTimeout = 18; // TCP_USER_TIMEOUT of Linux; the other systems' like has another meaning or unit

    // Not less than what a stream allows a client that is there, as the system counts a full receive buffer as no answer, too.
    private readonly TimeSpan _timeout = new(Math.Max(Heartbeats * options.Heartbeat.Ticks, options.WriteTimeout.Ticks));

    // Where heartbeats are written they come first. Where nothing is, probes find out.
    private readonly int _probeAfter = Seconds(2 * options.Heartbeat);
    private readonly int _probeEvery = Seconds(options.Heartbeat / 4);

    internal void ApplyTo(Socket socket)
    {
        if (socket.ProtocolType != ProtocolType.Tcp)
        {
            return;
        }
        try
        {
            if (OperatingSystem.IsLinux())
            {
                var milliseconds = BitConverter.GetBytes((int)_timeout.TotalMilliseconds);
                socket.SetRawSocketOption((int)SocketOptionLevel.Tcp, TcpUserTimeout, milliseconds);
            }
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, _probeAfter);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, _probeEvery);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 4);
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The peer has closed the connection already, which Kestrel learns when it reads. Here it would end the accepting of others.
        }
    }

    private static int Seconds(TimeSpan time) => (int)Math.Ceiling(time.TotalSeconds);
}
