using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Comet.TestUtilities.Brokers;

/// <summary>The name server of Erlang nodes, on a port of its own, apart from other nodes of this machine.</summary>
public sealed class EpmdProcess : IDisposable
{
    private readonly Process _process;

    public EpmdProcess()
    {
        var start = new ProcessStartInfo("epmd", ["-port", $"{Port}", "-address", "127.0.0.1"]) { RedirectStandardError = true };
        _process = Process.Start(start)!;
        _process.ErrorDataReceived += (_, _) => { }; // it complains about connections that send nothing
        _process.BeginErrorReadLine();
        while (!IsListening() && !_process.HasExited)
        {
            Thread.Sleep(5); // a node that finds no name server starts one, which outlives it
        }
    }

    public int Port { get; } = RabbitNode.FreePort();

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private bool IsListening()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
