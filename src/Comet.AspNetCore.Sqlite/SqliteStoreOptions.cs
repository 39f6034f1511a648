using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Sqlite;

/// <summary>Where the store's file is.</summary>
internal sealed class SqliteStoreOptions
{
    public string ConnectionString { get; set; } = "Data Source=comet.db";
}

internal sealed class SqliteStoreOptionsValidator : IValidateOptions<SqliteStoreOptions>
{
    private const string Wanted = "ConnectionStrings:Comet must name a file that can be written, as in Data Source=comet.db";

    // SQLite's provider takes 0 for no limit at all.
    private const string Endless = "Default Timeout in ConnectionStrings:Comet must be 1 second or more: the wait for a locked file must end";

    public ValidateOptionsResult Validate(string? name, SqliteStoreOptions options)
    {
        try
        {
            var settings = new SqliteConnectionStringBuilder(options.ConnectionString);
            var isFile = settings.DataSource is not ("" or ":memory:") && !settings.DataSource.StartsWith("file:", StringComparison.Ordinal);
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
