using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Sqlite;

/// <summary>The file of the store.</summary>
internal sealed class SqliteStoreOptions
{
    /// <summary><c>ConnectionStrings:Comet</c>. Default <c>Data Source=comet.db</c>, relative to the content root.</summary>
    public string ConnectionString { get; set; } = "Data Source=comet.db";
}

internal sealed class SqliteStoreOptionsValidator : IValidateOptions<SqliteStoreOptions>
{
    private const string Wanted = "ConnectionStrings:Comet must name a file that can be written, as in Data Source=comet.db";

    // Microsoft.Data.Sqlite takes 0 for no limit at all.
    private const string Endless =
        "Default Timeout in ConnectionStrings:Comet must be 1 second or more, as the wait for a locked file has to end";

    public ValidateOptionsResult Validate(string? name, SqliteStoreOptions options)
    {
        try
        {
            var settings = new SqliteConnectionStringBuilder(options.ConnectionString);
            var source = settings.DataSource;
            var isFile = source is not ("" or ":memory:") && !source.StartsWith("file:", StringComparison.Ordinal);
            if (!isFile || settings.Mode is not (SqliteOpenMode.ReadWriteCreate or SqliteOpenMode.ReadWrite))
            {
                return ValidateOptionsResult.Fail($"{Wanted}.");
            }
            return settings.DefaultTimeout > 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail($"{Endless}.");
        }
        catch (ArgumentException exception)
        {
            return ValidateOptionsResult.Fail($"{Wanted}: {exception.Message}");
        }
    }
}
