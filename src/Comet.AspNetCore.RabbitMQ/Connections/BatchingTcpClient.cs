using System.Net.Sockets;
using RabbitMQ.Client;

namespace Comet.AspNetCore.RabbitMQ.Connections;

/// <summary>Gives RabbitMQ's client a <see cref="BatchingStream"/>, below TLS if that is used.</summary>
internal sealed class BatchingTcpClient(Socket socket) : TcpClientAdapter(socket)
{
    public override NetworkStream GetStream() => new BatchingStream(Client);
}
