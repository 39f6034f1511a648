using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace Comet.AspNetCore.Transport;

/// <summary>
/// How many bytes the system takes for a connection beyond those that are on their way, before it makes a writer wait. By itself that is
/// megabytes, which a slow client receives long after they were true. On Linux, for HTTP/1: other connections are shared.
/// </summary>
internal static class UnsentLimit
{
    private const int TcpNotSentLowWater = 25; // TCP_NOTSENT_LOWAT
    private const int SystemDefault = 0;

    // Half a second of a line of 10 KB/s. Clients that keep up are not slowed: as much as their window takes is on its way.
    private const int Bytes = 4 * 1024;

    /// <returns>Whether there is a limit now, until it is removed.</returns>
    internal static bool TrySet(HttpContext context) => Apply(context, Bytes);

    /// <summary>For what the connection serves next.</summary>
    internal static void Remove(HttpContext context) => Apply(context, SystemDefault);

    private static bool Apply(HttpContext context, int bytes)
    {
        if (!OperatingSystem.IsLinux() ||
            !Http1.Serves(context) ||
            context.Features.Get<IConnectionSocketFeature>()?.Socket is not { ProtocolType: ProtocolType.Tcp } socket)
        {
            return false;
        }
        try
        {
            socket.SetRawSocketOption((int)SocketOptionLevel.Tcp, TcpNotSentLowWater, BitConverter.GetBytes(bytes));
            return true;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return false; // the connection is closed, which the next write learns
        }
    }
}
